import type { HealthInput } from "#mesh/health.ts"
import type { RangeAnswer } from "../store/series-store.ts"
import type { TcpNumbers } from "./answer.ts"
import { named, total } from "./fact.ts"
import { labelledNodeKey, nodeKey } from "./hosts.ts"
import type { OutcomeCounts } from "./numbers.ts"
import { type Reading, reportingAgents, TCP_BY } from "./reading.ts"

import type { RouteKey } from "./route-row.ts"

/** TCP of one row in one window. */
export interface TcpSums {
  readonly mesh: string
  readonly flavor: string
  readonly virtualService: string
  readonly source: string
  readonly virtualNode: string
  opened: number
  closed: number
  closedWithError: number
  sentBytes: number
  receivedBytes: number
  active: number | undefined
}

/** By target node, as the node itself saw it; where it tells nothing, as its callers did. Never both. */
export function tcpByNode(reading: Reading): Map<string, TcpSums> {
  const own = collect(reading, "destination", (row) => nodeKey(row.mesh, row.flavor, row.virtualNode))
  const callers = collect(reading, "source", (row) => nodeKey(row.mesh, row.flavor, row.virtualNode))
  const all = new Map([...callers, ...own])
  // Names in brackets, and what never reached a node, are no nodes.
  for (const [key, row] of all) if (row.virtualNode === "" || row.virtualNode.startsWith("(")) all.delete(key)
  addActive(reading, all)
  return all
}

/** Connections name no route: the key of the row of a service that sits on a node. */
export function serviceKey({ mesh, flavor, virtualService }: TcpSums): RouteKey {
  return { mesh, flavor, virtualGateway: "", gatewayRoute: "", virtualService, virtualRouter: "", route: "" }
}

/** By service and target, as callers saw it. */
export function tcpByService(reading: Reading): Map<string, TcpSums> {
  return collect(reading, "source", (row) =>
    [row.mesh, row.flavor, row.virtualService, row.source, row.virtualNode].join("\u0000"),
  )
}

export function tcpNumbers(sums: TcpSums, windowSeconds: number): TcpNumbers {
  return {
    activeConnections: sums.active ?? null,
    opened: sums.opened,
    openedPerSecond: sums.opened / windowSeconds,
    closed: sums.closed,
    closedWithError: sums.closedWithError,
    sentBytesPerSecond: sums.sentBytes / windowSeconds,
    receivedBytesPerSecond: sums.receivedBytes / windowSeconds,
  }
}

/** What health is decided by. A connection is TCP's request: one that ended with an error is one that failed. */
export function outcomesWith(
  tcp: TcpSums | undefined,
  counts: OutcomeCounts,
): Pick<HealthInput, "ok" | "clientErrors" | "errors" | "aborted"> {
  const { opened = 0, closedWithError = 0, active = 0 } = tcp ?? {}
  return {
    ok: counts.ok + Math.max(0, opened - closedWithError) + active,
    clientErrors: counts.client_error,
    errors: counts.error + closedWithError,
    aborted: counts.aborted,
  }
}

function collect(reading: Reading, reporter: string, keyOf: (row: TcpSums) => string): Map<string, TcpSums> {
  const rows = new Map<string, TcpSums>()
  const take = (answer: RangeAnswer, add: (row: TcpSums, count: number, outcome: string) => void): void => {
    for (const group of answer.groups) {
      const labels = named(TCP_BY, group)
      const made = emptyRow(labels)
      if (labels.get("reporter") !== reporter) continue
      const row = rows.get(keyOf(made)) ?? made
      rows.set(keyOf(made), row)
      add(row, total(group.values), labels.get("outcome") ?? "")
    }
  }
  take(reading.tcpOpened, (row, count) => {
    row.opened += count
  })
  take(reading.tcpClosed, (row, count, outcome) => {
    row.closed += count
    if (outcome === "error") row.closedWithError += count
  })
  take(reading.tcpSent, (row, count) => {
    row.sentBytes += count
  })
  take(reading.tcpReceived, (row, count) => {
    row.receivedBytes += count
  })
  return rows
}

function emptyRow(labels: ReadonlyMap<string, string>): TcpSums {
  return {
    mesh: labels.get("mesh") ?? "",
    flavor: labels.get("flavor") ?? "",
    virtualService: labels.get("virtual_service") ?? "",
    source: labels.get("source") ?? "",
    virtualNode: labels.get("virtual_node") ?? "",
    opened: 0,
    closed: 0,
    closedWithError: 0,
    sentBytes: 0,
    receivedBytes: 0,
    active: undefined,
  }
}

/** Open connections over all clients that report. */
function addActive(reading: Reading, rows: ReadonlyMap<string, TcpSums>): void {
  const reporting = reportingAgents(reading)
  for (const gauge of reading.gauges.activeConnections) {
    const row = rows.get(labelledNodeKey(gauge.labels))
    if (row !== undefined && reporting.has(gauge.agent)) row.active = (row.active ?? 0) + gauge.value
  }
}
