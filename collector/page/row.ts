import { html } from "hono/html"
import { FLAGS } from "#mesh/flags.ts"
import { mainFlag } from "../view/main-flag.ts"
import type { RouteRow } from "../view/route-row.ts"
import { troubleText } from "../view/verdict.ts"
import { knownOnly, withoutEnd } from "./known.ts"
import type { PageQuery } from "./shell.ts"
import { link } from "./shell.ts"
import { errorSpark, requestSpark } from "./spark.ts"
import { heat, state } from "./state.ts"
import {
  clock,
  DASH,
  grouped,
  leastRate,
  type Markup,
  millis,
  orDash,
  percent,
  rate,
  span,
  wrapped,
} from "./words.ts"

/** Where a row belongs: gateway, or service and router. */
export function parentsText(row: RouteRow): string {
  const { virtualGateway, virtualService, virtualRouter } = row.key
  return [virtualGateway, virtualService, virtualRouter]
    .filter((name) => name !== "" && name !== row.name)
    .join(" / ")
}

/** Address of a row's own page. */
export function routeHref(id: string, query: PageQuery): string {
  return link(`/routes/${encodeURIComponent(id)}`, query)
}

/** Whether a row speaks TCP only: it has connections and no request. */
export function isTcp(row: RouteRow): boolean {
  return row.tcp !== null && row.numbers.requests === 0
}

/** `TCP, 2.3 connections/s, 0 open, 3 failed`. */
function tcpText({ tcp }: RouteRow): string {
  if (tcp === null) return ""
  const open = tcp.activeConnections === null ? "" : `, ${grouped(tcp.activeConnections)} open`
  const broken = tcp.closedWithError === 0 ? "" : `, ${grouped(tcp.closedWithError)} failed`
  return `TCP, ${rate(tcp.openedPerSecond)} connections/s${open}${broken}`
}

/** What stands below a row's name: why it is not one route or not known, where it belongs, what TCP it has. */
export function subText(row: RouteRow, place: string): string {
  const parts = [row.why ?? place, isTcp(row) ? tcpText(row) : ""].filter((text) => text !== "")
  return parts.join(row.why?.endsWith(".") === true ? " " : " · ")
}

/** The two cells that open every row: state, then name with the state again for narrow screens. */
export function nameCells(row: RouteRow, query: PageQuery, sub: string): Markup {
  return html`<td class="wide">${state(row.health)}</td><th scope="row"><span class="narrow">${state(row.health)}</span><a href="${routeHref(row.id, query)}">${wrapped(row.name)}</a>${
    sub === "" ? "" : html`<span class="sub">${wrapped(sub)}</span>`
  }</th>`
}

const MEANINGS: ReadonlyMap<string, string> = new Map(FLAGS.map(({ name, meaning }) => [name, meaning]))

/** `13:51 (9 min)`, the length of time counted to when the answer was made. */
export function sinceText(since: string, generatedAt: string): string {
  const minutes = Math.max(1, Math.round((Date.parse(generatedAt) - Date.parse(since)) / 60_000))
  return `${clock(since)} (${minutes < 90 ? `${minutes} min` : span(minutes * 60)})`
}

/** What its failures mostly are, where, and since when. */
export function mostly(row: RouteRow): Markup {
  const flags = mainFlag(row)
  if (isTcp(row) && (row.tcp?.closedWithError ?? 0) > 0) return html`${troubleText(row)}`
  // A few errors that make no state are not what a route's failures mostly are.
  if (row.numbers.errors === 0 || row.health === "ok") return html``
  const [flag = ""] = flags?.split(",") ?? []
  const what = flags === undefined ? "errors" : flags === "-" ? "error answers" : flags
  const where = row.worstTarget === null ? "" : ` ${flags === "-" ? "from" : "at"} `
  const meaning = MEANINGS.get(flag)
  const rest = [
    meaning ?? "",
    row.since === null ? "" : `since ${clock(row.since)}`,
    row.endedAt === null ? "" : `ended ${clock(row.endedAt)}`,
  ].filter((text) => text !== "")
  return html`${what}${where}${row.worstTarget === null ? "" : wrapped(row.worstTarget.virtualNode)}${rest.length === 0 ? "" : html`<span class="sub">${rest.join(", ")}</span>`}`
}

/** Takes away what nobody can have seen, when all proxies that would tell have fallen silent. */
export function seenPart({ answered, known }: RouteRow): typeof withoutEnd {
  return answered === 0 && known > 0 ? withoutEnd : (values) => [...values]
}

/** Rate, error ratio and latency cells with their sparklines. `from`: when data begins. */
export function numberCells(row: RouteRow, from: string | null): Markup {
  const { numbers, points, health } = row
  const unknown = health === "unknown"
  const told = numbers.requests === 0 ? undefined : leastRate(numbers.requestsPerSecond)
  // Of what is not fully known, no error seen is no statement.
  const errors = unknown && numbers.errors === 0 ? undefined : percent(numbers.errorRatio)
  const seen = seenPart(row)
  const known = (values: readonly (number | null)[]) => knownOnly(seen(values), points, from)
  const rated = isTcp(row) ? "TCP" : orDash(unknown ? told : rate(numbers.requestsPerSecond))
  const lines = isTcp(row)
    ? ["", ""]
    : [requestSpark(known(points.requests)), errorSpark(known(points.errorRatio), health)]
  const latency = isTcp(row)
    ? [DASH, DASH, DASH]
    : [numbers.p50Ms, numbers.p95Ms, numbers.p99Ms].map((value) => orDash(millis(value)))
  return html`<td class="n">${rated}</td><td class="wide">${lines[0]}</td><td class="n${heat(health, numbers.errorRatio)}">${orDash(errors)}</td><td class="wide">${lines[1]}</td>${latency.map((cell) => html`<td class="n wide">${cell}</td>`)}`
}
