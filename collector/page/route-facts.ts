import { html } from "hono/html"
import type { RouteDetailView } from "../view/route-detail.ts"
import { knownBefore } from "./known.ts"
import { isTcp } from "./row.ts"
import { heat } from "./state.ts"
import { clock, grouped, type Markup, millis, orDash, percent, rate, span } from "./words.ts"

interface Fact {
  readonly name: string
  readonly value: string | undefined
  readonly unit: string
  readonly before?: string | undefined
  readonly note?: string | undefined
  readonly hot?: boolean
}

function attempts(perRequest: number | null): string | undefined {
  return perRequest === null ? undefined : grouped(perRequest, 2)
}

function requestFacts(view: RouteDetailView, beforeSeconds: number): Fact[] {
  const { now, before, budget, row } = view
  const hot = row.health === "failing" || row.health === "degraded"
  const known: Fact[] = [
    {
      name: "Requests",
      value: rate(now.requestsPerSecond),
      unit: "/s",
      before: rate(beforeSeconds === 0 ? null : before.requests / beforeSeconds),
    },
    {
      name: "Error ratio",
      value: percent(now.errorRatio, 1),
      unit: "%",
      before: percent(before.errorRatio, 1),
      hot,
    },
    { name: "p50", value: millis(now.p50Ms), unit: "ms", before: millis(before.p50Ms) },
    { name: "p95", value: millis(now.p95Ms), unit: "ms", before: millis(before.p95Ms) },
    { name: "p99", value: millis(now.p99Ms), unit: "ms", before: millis(before.p99Ms) },
    {
      name: "Attempts per request",
      value: attempts(now.attemptsPerRequest),
      unit: "",
      before: attempts(before.attemptsPerRequest),
    },
  ]
  if (budget === null) return known
  const { objective, origin, burnRate } = budget
  const burn = burnRate === null ? undefined : grouped(burnRate, burnRate < 10 ? 1 : 0)
  const name = `Budget, ${grouped(objective * 100, 1)} % over 30 days`
  const note = origin === "default" ? "a default: none is declared" : undefined
  return [...known, { name, value: burn, unit: "× burn", note, hot: hot && (burnRate ?? 0) >= 1 }]
}

function bytes(perSecond: number): Pick<Fact, "value" | "unit"> {
  return perSecond < 1000
    ? { value: grouped(perSecond), unit: "B/s" }
    : { value: grouped(perSecond / 1000, 1), unit: "kB/s" }
}

/** A service that speaks TCP has connections and bytes, and no request. */
function tcpFacts({ row: { tcp, health } }: RouteDetailView, minutes: string): Fact[] {
  if (tcp === null) return []
  const open = tcp.activeConnections === null ? undefined : grouped(tcp.activeConnections)
  return [
    {
      name: "Connections opened",
      value: rate(tcp.openedPerSecond),
      unit: "/s",
      note: `${grouped(tcp.opened)} in ${minutes}`,
    },
    { name: "Open now", value: open, unit: "" },
    { name: "Ended", value: grouped(tcp.closed), unit: "", note: `in ${minutes}` },
    {
      name: "Failed",
      value: grouped(tcp.closedWithError),
      unit: "",
      note: `in ${minutes}`,
      hot: tcp.closedWithError > 0 && (health === "failing" || health === "degraded"),
    },
    { name: "Sent", ...bytes(tcp.sentBytesPerSecond) },
    { name: "Received", ...bytes(tcp.receivedBytesPerSecond) },
  ]
}

/** Numbers of now, and beside each what it was in the hour before, or in the part of it that is known. */
export function facts(view: RouteDetailView): Markup {
  const { dataFrom } = view.completeness
  const seconds = knownBefore(view.generatedAt, view.windowSeconds, dataFrom)
  const tcp = isTcp(view.row)
  const was = seconds >= 3600 ? "hour before" : `${span(seconds)} before`
  const rows = tcp ? tcpFacts(view, span(view.windowSeconds)) : requestFacts(view, seconds)
  return html`<dl class="facts">${rows.map(
    ({ name, value, unit, before, note, hot = false }) =>
      html`<div><dt>${name}</dt><dd${hot ? html` class="${heat(view.row.health).trim()}"` : ""}>${orDash(value)}${unit === "" || value === undefined ? "" : html` <small>${unit}</small>`}</dd>${before === undefined || seconds === 0 ? "" : html`<dd class="was">${was}: ${before}</dd>`}${note === undefined ? "" : html`<dd class="was">${note}</dd>`}</div>`,
  )}</dl>${tcp || seconds > 0 ? "" : html`<p class="sub">Nothing is known of the hour before this window: data begins at ${clock(dataFrom)}.</p>`}`
}
