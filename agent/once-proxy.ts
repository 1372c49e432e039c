import { gapOf } from "#mesh/gap-words.ts"
import type { OnceProxy } from "#mesh/once-report.ts"
import type { Proxy } from "./proxy.ts"
import type { Provenances } from "./resolve/provenance.ts"

/**
 * What one look found of a proxy.
 * @param spans which way its spans would go
 */
export function onceProxy(proxy: Proxy, spans: string): OnceProxy {
  const { identity, resolving, target } = proxy
  // What streamed and was lost, a look that takes no stream cannot tell.
  const missing = proxy.missing.filter((word) => word !== "entries")
  // A proxy that nobody reaches says the same of each page.
  const problems = [...new Set([...proxy.problems.values()].map(({ message }) => message))]
  // Without lines, nothing is what it is counted by.
  const uncounted = target.serves?.kind === "nothing" && resolving?.provenance === "stats"
  const provenance = uncounted ? "" : (resolving?.provenance ?? "")
  return {
    proxy: target.name,
    mesh: identity?.mesh ?? "",
    flavor: identity?.flavor ?? "",
    role: identity?.role ?? "",
    resource: identity?.resource ?? "",
    version: proxy.config?.node.version ?? "",
    provenance: provenance === "mixed" ? "log" : provenance,
    problem: (problems.length > 0 ? problems : remarksOf(proxy, missing)).join(" "),
    missing,
    logs: target.logs,
    spans,
    ok: problems.length === 0 && identity !== undefined,
  }
}

/** What a look does not count though a running agent does, then what a better source would add. */
function remarksOf({ resolving, target }: Proxy, missing: readonly string[]): string[] {
  const streamed = resolving === undefined ? [] : sidesOf(resolving.provenances, true)
  const written = resolving === undefined ? [] : sidesOf(resolving.provenances, false)
  const sent = target.sent === true && target.logs.length === 0 && written.length > 0
  return [
    ...(streamed.length === 0
      ? []
      : [`Not counted here: ${streamed.join(", ")}. It streams these to a running agent.`]),
    ...(sent ? [`Not counted here: ${written.join(", ")}. Its lines are sent to a running agent.`] : []),
    ...(missing.length === 0 ? [] : [`Lacks ${missing.map((word) => gapOf(word).lacks).join(", ")}.`]),
  ]
}

const SIDES = [
  ["http", "inbound", "HTTP in"],
  ["http", "outbound", "HTTP out"],
  ["tcp", "inbound", "TCP in"],
  ["tcp", "outbound", "TCP out"],
] as const

/** Sides that count from what is streamed, or from lines. */
function sidesOf(provenances: Provenances, streamed: boolean): string[] {
  return SIDES.flatMap(([kind, side, word]) =>
    provenances[kind][side] === "log" && provenances.streamed[kind][side] === streamed ? [word] : [],
  )
}
