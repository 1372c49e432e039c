import { plainText } from "#mesh/plain-text.ts"
import { isFailed, type ShownSpan } from "./trace-shelf.ts"

/** One trace as a tree, callers above whom they call, with the mesh's names that the agent gave it. Times in ms. */
export function traceText(spans: readonly ShownSpan[]): string {
  const ids = new Set(spans.map(({ id }) => id))
  const below = Map.groupBy(spans, ({ parentId }) => (ids.has(parentId) ? parentId : ""))
  const [root] = below.get("") ?? []
  if (root === undefined) return ""
  const began = Math.min(...spans.map(({ timestamp }) => timestamp))
  const seen = new Set<string>()
  const lines: string[] = []
  const tell = (parent: string, depth: number): void => {
    for (const span of (below.get(parent) ?? []).toSorted((a, b) => a.timestamp - b.timestamp)) {
      // What claims to be its own ancestor is shown once.
      if (seen.has(span.id)) continue
      seen.add(span.id)
      lines.push(line(span, began, depth))
      tell(span.id, depth + 1)
    }
  }
  tell("", 0)
  const { tags } = root
  return [
    plainText(
      `Trace ${root.traceId}: ${tags["http.method"] ?? root.name} ${tags["http.url"] ?? tags["http.path"] ?? ""}, ${spans.length} spans`,
    ),
    "   START     TOOK  STATUS",
    ...lines,
  ].join("\n")
}

function line(span: ShownSpan, began: number, depth: number): string {
  const { tags, timestamp, duration } = span
  const code = tags["http.status_code"] ?? ""
  const cells = [
    ms(timestamp - began).padStart(8),
    ms(duration).padStart(8),
    (code === "0" ? "none" : code).padStart(7),
  ]
  return plainText(`${cells.join(" ")}  ${"  ".repeat(depth)}${deed(span)}${besides(span)}`)
}

/** Who did what: a server's span took a request in, a client's called somebody. */
function deed({ kind, name, tags, localEndpoint }: ShownSpan): string {
  const who =
    tags["mesh.virtual_node"] ?? tags["mesh.virtual_gateway"] ?? (localEndpoint.serviceName || "somebody")
  if (kind === "SERVER") return `${who} takes it in`
  if (kind === "CLIENT") return `${who} calls ${tags["mesh.target"] ?? name}`
  return `${who}: ${name}`
}

function besides(span: ShownSpan): string {
  const { tags } = span
  const { "mesh.route": route, "mesh.virtual_service": service, response_flags: flags } = tags
  const told = [
    ...(route === undefined ? [] : [`route ${route}${service === undefined ? "" : ` of ${service}`}`]),
    ...(flags === undefined || flags === "-" ? [] : [`flags ${flags}`]),
    ...(isFailed(span) ? ["failed"] : []),
  ]
  return told.length === 0 ? "" : `, ${told.join(", ")}`
}

const ms = (us: number): string => (us / 1000).toFixed(1)
