import type { KubeResource } from "../../../kubernetes/contract.ts"

/** What a path of the API asks for. */
export interface ApiPath {
  readonly resource: KubeResource
  readonly namespace: string | undefined
  readonly name: string | undefined
}

const CORE = /^\/api\/(v1)\/(?:namespaces\/([^/]+)\/)?([a-z]+)(?:\/([^/]+))?$/
const GROUP = /^\/apis\/([^/]+)\/([^/]+)\/(?:namespaces\/([^/]+)\/)?([a-z]+)(?:\/([^/]+))?$/
const NAMESPACE = /^\/api\/v1\/namespaces\/([^/]+)$/

/** Undefined for what is no path of objects. */
export function apiPath(path: string): ApiPath | undefined {
  const alone = NAMESPACE.exec(path)
  if (alone !== null)
    return {
      resource: { group: "", version: "v1", plural: "namespaces" },
      namespace: undefined,
      name: alone[1],
    }
  const core = CORE.exec(path)
  if (core !== null) {
    const [, version = "", namespace, plural = "", name] = core
    return { resource: { group: "", version, plural }, namespace, name }
  }
  const [, group = "", version = "", namespace, plural = "", name] = GROUP.exec(path) ?? []
  return plural === "" ? undefined : { resource: { group, version, plural }, namespace, name }
}
