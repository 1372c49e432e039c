import type { MetricKey } from "../catalogue.ts"

/** Units that CloudWatch knows and we use. */
export type CloudwatchUnit = "Count" | "Bytes" | "Seconds" | "Milliseconds"

/** Where numbers come from: a metric of the catalogue, only series with these labels. */
export interface Part {
  readonly key: MetricKey
  readonly where?: Readonly<Record<string, string>>
}

/**
 * One metric as CloudWatch is told it. `counter`: what came since the last time. `gauge`: the sum of the current values.
 * `histogram`: what came since the last time, as values and counts. Several parts are summed up.
 */
export interface ToldMetric {
  readonly name: string
  readonly kind: "counter" | "gauge" | "histogram"
  readonly unit: CloudwatchUnit
  /** Seconds of a histogram times this. */
  readonly scale: number
  readonly parts: readonly Part[]
}

const metric = (
  kind: ToldMetric["kind"],
  name: string,
  unit: CloudwatchUnit,
  ...parts: readonly Part[]
): ToldMetric => ({ name, kind, unit, scale: unit === "Milliseconds" ? 1000 : 1, parts })

const counter = (name: string, unit: CloudwatchUnit, ...parts: readonly Part[]): ToldMetric =>
  metric("counter", name, unit, ...parts)

/** A metric of our own table or of another's names. */
export const told = { metric, counter }

/** What may be told, under our names: short, since every byte of a name is paid for as log data. */
export const TOLD_METRICS = [
  counter("requests", "Count", { key: "requests" }),
  counter("errors", "Count", { key: "requests", where: { outcome: "error" } }),
  counter("client_errors", "Count", { key: "requests", where: { outcome: "client_error" } }),
  counter("aborted", "Count", { key: "requests", where: { outcome: "aborted" } }),
  metric("histogram", "duration", "Seconds", { key: "duration" }),
  metric("histogram", "upstream_duration", "Seconds", { key: "upstreamDuration" }),
  counter("request_bytes", "Bytes", { key: "requestBytes" }),
  counter("response_bytes", "Bytes", { key: "responseBytes" }),
  counter("attempts", "Count", { key: "attempts" }),
  counter("health_checks", "Count", { key: "healthChecks" }),
  counter("tcp_opened", "Count", { key: "tcpOpened" }),
  counter("tcp_closed", "Count", { key: "tcpClosed" }),
  counter("tcp_errors", "Count", { key: "tcpClosed", where: { outcome: "error" } }),
  counter("tcp_sent_bytes", "Bytes", { key: "tcpSent" }),
  counter("tcp_received_bytes", "Bytes", { key: "tcpReceived" }),
  counter("connection_failures", "Count", { key: "connectionFailures" }),
  counter("unaccounted", "Count", { key: "unaccounted" }),
  counter("unmapped", "Count", { key: "unmapped" }),
  metric("gauge", "active_connections", "Count", { key: "activeConnections" }),
  metric("gauge", "active_requests", "Count", { key: "activeRequests" }),
] as const satisfies readonly ToldMetric[]

/** Our metric of this name. */
export function toldMetric(name: string): ToldMetric | undefined {
  return TOLD_METRICS.find((one) => one.name === name)
}
