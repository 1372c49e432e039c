import { MODEL_RESOURCES } from "#mesh/declare/model-resources.ts"
import type { Check } from "#mesh/doctor-report.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { kubeAccess } from "./access.ts"
import { type AccessReviewer, makeAccessReviewer, type Right } from "./access-review.ts"
import type { KubeAccessSettings } from "./access-schema.ts"
import type { KubernetesModelConfig } from "./model-schema.ts"
import { CLUSTER_WIDE } from "./model-watch.ts"

/** A right that a part of the configuration needs. */
export interface NeededRight extends Right {
  /** The setting that needs it. */
  readonly setting: string
}

const READ = ["list", "watch"] as const

/** What finding proxies needs; in one namespace alone a role of it is enough. */
export function podRights(namespaces: readonly string[], setting: string): readonly NeededRight[] {
  const namespace = namespaces.length === 1 ? namespaces[0] : undefined
  return READ.map((verb) => ({ verb, group: "", plural: "pods", namespace, setting }))
}

/** What reading the declared model needs. */
export function modelRights(
  { flavors, namespaces }: Pick<KubernetesModelConfig, "flavors" | "namespaces">,
  setting: string,
): readonly NeededRight[] {
  return MODEL_RESOURCES.filter((resource) =>
    resource.flavors.some((flavor) => flavors.some((wanted) => wanted === flavor)),
  ).flatMap(({ group, plural }) => {
    const everywhere = namespaces.include.length === 0 || CLUSTER_WIDE.has(plural)
    const scopes = everywhere ? [undefined] : namespaces.include
    return scopes.flatMap((namespace) => READ.map((verb) => ({ verb, group, plural, namespace, setting })))
  })
}

/** What recognising pods by their tokens needs. */
export const reviewRight = (setting: string): NeededRight => ({
  verb: "create",
  group: "authentication.k8s.io",
  plural: "tokenreviews",
  setting,
})

/**
 * Asks the API server for each right; one that is missing is named with what gives it. Where nobody can be asked, that is
 * the answer.
 * @param settings how the part of the configuration that needs the rights reaches the API server
 */
export async function checkRights(
  settings: KubeAccessSettings,
  rights: readonly NeededRight[],
  env: Environment,
  signal: AbortSignal,
): Promise<readonly Check[]> {
  const checks: Check[] = []
  let reviewer: AccessReviewer | undefined
  for (const right of rights) {
    try {
      reviewer ??= makeAccessReviewer(kubeAccess(settings, env))
      checks.push(checkOf(right, await reviewer.allowed(right, signal)))
    } catch (error) {
      if (!(error instanceof MeshscopeError)) throw error
      const todo = "Until it answers nothing can be said of our rights."
      const about = { area: "kubernetes", subject: right.setting, state: "missing" } as const
      // It will say the same to each question.
      return [...checks, { ...about, sentence: error.message, todo }]
    }
  }
  return checks
}

function checkOf({ verb, group, plural, namespace, setting }: NeededRight, allowed: boolean): Check {
  const what = group === "" ? plural : `${plural}.${group}`
  const where = namespace === undefined ? "in all namespaces" : `in the namespace ${namespace}`
  const subject = `${verb} ${what} ${where}`
  if (allowed) return { area: "kubernetes", subject, state: "ok", sentence: "Allowed.", todo: "" }
  const role = namespace === undefined ? "ClusterRole" : `Role of the namespace ${namespace}`
  const apiGroup = group === "" ? '""' : group
  return {
    area: "kubernetes",
    subject,
    state: "missing",
    sentence: `${setting} needs it, and our service account may not.`,
    todo: `Add to its ${role}: apiGroups: [${apiGroup}], resources: [${plural}], verbs: [${verb}].`,
  }
}
