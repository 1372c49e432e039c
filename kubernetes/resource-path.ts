import type { KubeResource, WatchScope } from "./contract.ts"

/** Path of a kind's objects: `/api/v1/pods`, `/apis/appmesh.k8s.aws/v1beta2/namespaces/a/virtualnodes`. */
function resourcePath({ group, version, plural }: KubeResource, namespace: string | undefined): string {
  const root = group === "" ? `/api/${version}` : `/apis/${group}/${version}`
  return `${root}${namespace === undefined ? "" : `/namespaces/${encodeURIComponent(namespace)}`}/${plural}`
}

/** Path and query of a request for objects in scope. */
export function scopedPath(
  resource: KubeResource,
  { namespace, fieldSelector, labelSelector }: WatchScope,
  query: Readonly<Record<string, string>>,
): string {
  const all = new URLSearchParams(query)
  if (fieldSelector !== undefined) all.set("fieldSelector", fieldSelector)
  if (labelSelector !== undefined) all.set("labelSelector", labelSelector)
  return `${resourcePath(resource, namespace)}?${all}`
}
