import type { NativeName } from "../declared.ts"
import type { KubeObject } from "./kube-objects.ts"
import { optional } from "./match-spec.ts"
import { OBJECTIVE_KEY, objectiveOf } from "./node-spec.ts"
import { at } from "./spot.ts"

/** What every resource tells of the object that declares it. */
export function declaredBy(object: KubeObject): {
  name: string
  native: NativeName
  labels?: Readonly<Record<string, string>>
} {
  const native = { kind: object.kind, name: object.name, namespace: object.namespace }
  return { name: object.awsName, native, ...optional("labels", object.labels) }
}

/** `meshscope.dev/objective` holds for all routes of the object, `meshscope.dev/objective.<route>` for one. */
export function objectivePart(
  object: Pick<KubeObject, "annotations" | "object">,
  route?: string,
): { objective?: number } {
  const own = `${OBJECTIVE_KEY}.${route ?? ""}`
  const key = route !== undefined && object.annotations?.[own] !== undefined ? own : OBJECTIVE_KEY
  const where = at(object.object, "metadata", "annotations", key)
  return optional("objective", objectiveOf(object.annotations?.[key], where))
}
