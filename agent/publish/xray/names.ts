import type { Span } from "#mesh/span.ts"

/** Most characters of a name (docs.aws.amazon.com/xray/latest/devguide/xray-api-segmentdocuments.html, `name`). */
const MAX_NAME = 200
const CLEAN = /^[\p{L}\p{N}\s_.:/%&#=+\\\-@]{1,200}$/u
const NOT_ALLOWED = /[^\p{L}\p{N}\s_.:/%&#=+\\\-@]/gu

/** A name as X-Ray allows it: what it does not allow is `_`. */
export function cleanName(name: string): string {
  if (CLEAN.test(name)) return name
  const clean = Array.from(name.slice(0, MAX_NAME * 2).replace(NOT_ALLOWED, "_"))
    .slice(0, MAX_NAME)
    .join("")
  return clean.trim() === "" ? "unknown" : clean
}

/**
 * Whether a span is a request that its sender made within something else: X-Ray's `subsegment`. Envoy writes a segment for
 * either side, which hides the callee from the map (github.com/aws/aws-app-mesh-roadmap, issue 354); a proxy's call becomes a
 * subsegment, and documents of applications stay what they are.
 */
export function isSubsegment({ document, parentId, proxy, kind }: Span): boolean {
  if (document?.["type"] === "subsegment") return true
  if (parentId === "") return false
  return document === undefined ? kind !== "server" : proxy !== undefined && kind === "client"
}

/** What X-Ray shows a span as: a segment by who did it, a subsegment by whom it called, or what was done inside. */
export function spanName(span: Span): string {
  const { service, remote, name, kind } = span
  if (!isSubsegment(span)) return cleanName(service || name)
  return cleanName((kind === "internal" ? "" : remote) || name || service)
}
