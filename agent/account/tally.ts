import type { Reporter } from "#mesh/resource.ts"

/** What was accounted for one proxy since the tally was made; the stats cross-check reads it. Only ever grows. */
export interface Tally {
  /** Requests by the reporter that saw them, health checks included: a listener counts those too. */
  gateway: number
  source: number
  destination: number
  /** How many of them were health checks. */
  healthChecks: number
  tcpConnections: number
  /** Lines that no reporter could be found for; nothing else counts them. */
  undecided: number
}

export function makeTally(): Tally {
  return { gateway: 0, source: 0, destination: 0, healthChecks: 0, tcpConnections: 0, undecided: 0 }
}

/** Requests accounted at one reporter. */
export function accounted(tally: Tally, reporter: Reporter): number {
  return tally[reporter]
}

/** Adds what another tally counted. */
export function addTally(to: Tally, from: Tally | undefined): void {
  if (from === undefined) return
  to.gateway += from.gateway
  to.source += from.source
  to.destination += from.destination
  to.healthChecks += from.healthChecks
  to.tcpConnections += from.tcpConnections
  to.undecided += from.undecided
}
