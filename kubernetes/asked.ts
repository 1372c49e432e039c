import type { KubeResource, WatchScope } from "./contract.ts"

/** What was asked for, to name it in sentences. */
export interface Asked {
  readonly verb: "list" | "watch" | "get" | "create"
  /** `pods`, `virtualnodes.appmesh.k8s.aws`, or a path. */
  readonly what: string
  /** Undefined: of the whole cluster. */
  readonly namespace?: string | undefined
}

export function askedFor(
  verb: "list" | "watch",
  { group, plural }: KubeResource,
  { namespace }: WatchScope,
): Asked {
  return { verb, what: group === "" ? plural : `${plural}.${group}`, namespace }
}

/** `list pods in the namespace yelb`, to stand in a sentence. */
export function askedText({ verb, what, namespace }: Asked): string {
  if (verb === "get" || verb === "create") return `${verb} ${what}`
  return `${verb} ${what} ${namespace === undefined ? "in all namespaces" : `in the namespace ${namespace}`}`
}
