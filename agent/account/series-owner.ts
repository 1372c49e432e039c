/**
 * Whose a series is: the resource whose proxies feed it, as `mesh/<m>/virtualNode/<n>`, `mesh/<m>/virtualGateway/<g>`, or
 * `mesh/<m>` for series of callers that do not name the caller (any proxy of the mesh may feed them). A series whose
 * owner has no proxy on this node any more may expire.
 */
export function ownerOf(labels: ReadonlyMap<string, string>): string {
  const mesh = `mesh/${labels.get("mesh") ?? ""}`
  const source = labels.get("source")
  if (source !== undefined) return `${mesh}/virtualNode/${source}`
  const reporter = labels.get("reporter")
  const gateway = labels.get("virtual_gateway")
  if (reporter !== "destination" && gateway !== undefined) return `${mesh}/virtualGateway/${gateway}`
  const node = labels.get("virtual_node")
  if (node === undefined || reporter === "source") return mesh
  return `${mesh}/virtualNode/${node}`
}
