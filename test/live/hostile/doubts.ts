import type { Counts } from "../rig/counts.ts"
import type { Happened, Names } from "./expected.ts"
import { PLAIN_PATH } from "./model.ts"
import type { HostileRequest } from "./requests.ts"

/** Doubts by reason that a request's lines must raise: what the format cannot tell, and nothing that it can. */
export function doubtsOf(happened: Happened, names: Names, kind: "json" | "text"): Counts {
  const doubts: Counts = {}
  const reasons = kind === "json" ? jsonReasons(happened) : textReasons(happened, names)
  for (const reason of reasons) if (reason !== "") doubts[reason] = (doubts[reason] ?? 0) + 1
  return doubts
}

/** Envoy refused the path: no route, and no flag that says so. */
const refused = ({ request, arrivals, status }: Happened): boolean =>
  request.refusedPath && arrivals.length === 0 && request.door !== "ingress" && status === 400

/** Fields cannot be torn, both paths are told: all that is left is a gateway route that may have been claimed. */
function jsonReasons(happened: Happened): string[] {
  const { request } = happened
  if (refused(happened)) return ["route_unmatched"]
  const original = request.headers.get("x-envoy-original-path")
  const { path } = request
  const claimed = path.startsWith(PLAIN_PATH) && original === `/api${path}`
  const rewritten = path.startsWith(`/api${PLAIN_PATH}`)
  return request.door === "gateway" && (claimed || rewritten) ? ["forgeable"] : []
}

/** One a line, in the order of what the product can say first. */
function textReasons(happened: Happened, names: Names): string[] {
  const { request, arrivals, status } = happened
  const { door } = request
  const node = arrivals.at(-1)?.node
  const torn = isTorn(request) ? "forgeable" : ""
  if (node === undefined && door !== "gateway") return [status === 404 ? torn : "direction"]
  const checked = request.checker ? "forgeable" : torn
  const callee = arrivals.map((one) => (one.node === names.ui ? checked : torn))
  if (door === "ingress") return callee
  // What Envoy cannot read as HTTP has no headers in its line.
  if (node === undefined) return [refused(happened) ? "route_unmatched" : ""]
  const logged = loggedPath(request)
  // Two routes to the same nodes, and a path that may be the caller's claim. What is no path at all matches none.
  if (door === "egress") return [logged.startsWith("/") ? "forgeable" : "route_unmatched", ...callee]
  if (node === names.ui) return [checked, checked, ...callee]
  // Who took the plain route may claim any path; one that only the plain route takes is its own.
  const first = logged.startsWith(PLAIN_PATH) ? checked : "forgeable"
  return [first, "forgeable", ...callee]
}

/** The default format shows the original path where there is one: at a rewriting route it is Envoy's own. */
function loggedPath({ door, path, headers }: HostileRequest): string {
  const kept = door === "egress" || path.startsWith(PLAIN_PATH)
  return (kept ? headers.get("x-envoy-original-path") : undefined) ?? path
}

/** A value holds what stands between two values, so that the line can be read in more than one way. */
function isTorn({ headers }: HostileRequest): boolean {
  return ["x-forwarded-for", "user-agent", "x-request-id"].some((name) => headers.get(name)?.includes('" "'))
}
