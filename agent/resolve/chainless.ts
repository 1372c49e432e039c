import type { Listener, ProxyIdentity } from "#mesh/proxy.ts"
import type { Interner, ListenerPlan, RequestRow, Target } from "#mesh/request.ts"
import type { Dialect } from "./dialects/dialect.ts"
import { type Provenances, toldByListener } from "./provenance.ts"
import type { Rows } from "./rows.ts"

/** Whose a connection is that no filter chain took. */
export interface Chainless {
  readonly row: RequestRow
  readonly target: Target
}

export interface ChainlessDeps {
  readonly identity: ProxyIdentity
  readonly dialect: Dialect
  readonly rows: Rows
  readonly interner: Interner
}

/** Undefined of a listener that no call of an application leaves by: a gateway's outgoing one hears from itself alone. */
function chainlessOf(
  listener: Listener,
  { identity, dialect, rows, interner }: ChainlessDeps,
): Chainless | undefined {
  const name = identity.role === "gateway" ? "" : dialect.chainless(listener)
  if (name === "") return undefined
  return { row: rows.source({ virtualService: name }), target: interner.target(name) }
}

/** What all outgoing listeners of a proxy have in common, for a line that does not tell its listener. */
export function commonChainless(listeners: readonly Listener[], deps: ChainlessDeps): Chainless | undefined {
  const found = listeners.flatMap((listener) => chainlessOf(listener, deps) ?? [])
  const [first] = found
  return found.every(({ row }) => row === first?.row) ? first : undefined
}

export interface ListenerPlanDeps extends ChainlessDeps {
  readonly listeners: readonly Listener[]
  readonly provenances: Provenances
  readonly readableLogs: ReadonlySet<string>
}

/** Listeners of which the stats count such connections. */
export function listenerPlans(deps: ListenerPlanDeps): ListenerPlan[] {
  const plans: ListenerPlan[] = []
  for (const [statPrefix, listeners] of Map.groupBy(deps.listeners, (one) => one.statPrefix)) {
    // Listeners of one name share their counters: what one of them must not count, none can.
    const counted = listeners.map((one) =>
      toldByListener(one, deps.provenances, deps.readableLogs) ? undefined : chainlessOf(one, deps),
    )
    const [first] = counted
    if (first !== undefined && counted.every((one) => one?.row === first.row))
      plans.push({ statPrefix, ...first })
  }
  return plans
}
