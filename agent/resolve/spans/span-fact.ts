import { type AccessFact, Field, type FormatAbilities, makeAccessFact } from "#mesh/access.ts"
import { flagBits } from "#mesh/flags.ts"
import type { Span } from "#mesh/span.ts"

/** Envoy's names of what its tracers tell beside HTTP (source/common/tracing/tags.h). */
export const TAG = {
  component: "component",
  nodeId: "node_id",
  upstreamCluster: "upstream_cluster",
  responseFlags: "response_flags",
  requestId: "guid:x-request-id",
  grpcStatus: "grpc.status_code",
  /** X-Ray's alone: `ingress` or `egress`. */
  direction: "direction",
} as const

/** Longest path in a span unless configured (`max_path_tag_length`); one as long may have been cut. */
const PATH_CUT = 256

/** What a tracer's span tells, as if it were a log format. The path is the caller's where a rewrite took place. */
export const SPAN_ABILITIES: FormatAbilities = {
  fields: ["method", "eitherPath", "authority", "flags", "upstreamCluster", "userAgent", "requestId"],
  headers: [],
  grpcStatus: true,
  attempts: false,
  durations: true,
  forgeable: false,
}

/** A text attribute; empty where there is none. */
export function tagText({ attributes }: Pick<Span, "attributes">, name: string): string {
  const value = attributes.get(name)
  return typeof value === "string" ? value : ""
}

/** A number, or a text that holds one; -1 where there is none. */
export function tagNumber({ attributes }: Pick<Span, "attributes">, name: string): number {
  const value = attributes.get(name)
  const number = typeof value === "string" && /^\d{1,6}$/.test(value) ? Number(value) : value
  return typeof number === "number" && Number.isInteger(number) && number >= 0 ? number : -1
}

export interface UrlParts {
  /** With its port; empty where the URL is a path alone. */
  readonly authority: string
  /** With its query. */
  readonly path: string
}

/** `http://host:port/path`, or a path. Any text is taken as it is. */
export function urlParts(url: string): UrlParts {
  const begin = url.indexOf("://")
  if (begin < 0 || url.startsWith("/")) return { authority: "", path: url }
  const slash = url.indexOf("/", begin + 3)
  return slash < 0
    ? { authority: url.slice(begin + 3), path: "" }
    : { authority: url.slice(begin + 3, slash), path: url.slice(slash) }
}

/** Whether a path may be the beginning of a longer one, so that it proves no route. */
export const mayBeCut = (path: string): boolean => path.length >= PATH_CUT

/** A span of a proxy in the form of a log line, so that the resolver of lines names it. */
export function spanFact(span: Span): AccessFact {
  const { authority, path } = urlParts(span.http.url ?? "")
  const flags = tagText(span, TAG.responseFlags)
  const fact = withTexts([
    [Field.method, span.http.method ?? ""],
    [Field.eitherPath, path],
    [Field.authority, authority],
    [Field.upstreamCluster, tagText(span, TAG.upstreamCluster)],
    [Field.userAgent, span.http.userAgent ?? ""],
    [Field.requestId, tagText(span, TAG.requestId)],
  ])
  fact.code = span.http.status ?? -1
  fact.flags = flags === "" ? -1 : flagBits(flags)
  fact.grpcStatus = tagNumber(span, TAG.grpcStatus)
  return fact
}

function withTexts(texts: readonly (readonly [field: number, text: string])[]): AccessFact {
  const fact = makeAccessFact()
  const parts: Buffer[] = []
  let at = 0
  for (const [field, text] of texts) {
    if (text === "") continue
    const bytes = Buffer.from(text, "utf8")
    fact.spans[field * 2] = at
    at += bytes.length
    fact.spans[field * 2 + 1] = at
    parts.push(bytes)
  }
  fact.bytes = Buffer.concat(parts)
  return fact
}
