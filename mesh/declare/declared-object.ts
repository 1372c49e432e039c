import type { NativeName } from "../declared.ts"
import type { KubeObject, KubeObjects } from "./kube-objects.ts"
import { optional } from "./match-spec.ts"
import { OBJECTIVE_KEY, objectiveOf } from "./node-spec.ts"
import { at, isThere, textAt } from "./spot.ts"

/** What every resource tells of the object that declares it. */
export function declaredBy(object: KubeObject): {
  name: string
  native: NativeName
  labels?: Readonly<Record<string, string>>
} {
  const native = { kind: object.nativeKind, name: object.name, namespace: object.namespace }
  return { name: object.awsName, native, ...optional("labels", object.labels) }
}

/** `meshscope.dev/objective` holds for all routes of the object, `meshscope.dev/objective.<route>` for one. */
export function objectivePart(
  { reading }: KubeObjects,
  { object }: KubeObject,
  route?: string,
): { objective?: number } {
  const annotations = at(object, "metadata", "annotations")
  const own = at(annotations, `${OBJECTIVE_KEY}.${route ?? ""}`)
  const where = route !== undefined && isThere(own) ? own : at(annotations, OBJECTIVE_KEY)
  const objective = reading.attempt(() => objectiveOf(textAt(where), where))
  return optional("objective", objective)
}
