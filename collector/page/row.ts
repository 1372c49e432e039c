import { html } from "hono/html"
import type { RouteRow } from "../view/route-row.ts"
import type { PageQuery } from "./shell.ts"
import { link } from "./shell.ts"
import { errorSpark, requestSpark } from "./spark.ts"
import { heat, state } from "./state.ts"
import { clock, type Markup, millis, orDash, percent, rate, wrapped } from "./words.ts"

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

/** The two cells that open every row: state, then name with the state again for narrow screens. */
export function nameCells(row: RouteRow, query: PageQuery, sub: string): Markup {
  return html`<td class="wide">${state(row.health)}</td><th scope="row"><span class="narrow">${state(row.health)}</span><a href="${routeHref(row.id, query)}">${wrapped(row.name)}</a>${
    sub === "" ? "" : html`<span class="sub">${wrapped(sub)}</span>`
  }</th>`
}

/** What its failures mostly are, or why it is not one route. */
export function mostly(row: RouteRow): Markup {
  const flags = row.flagsTop
    .map(({ flags: text, count }) => `${text === "-" ? "no flag" : text} ×${count}`)
    .join(", ")
  const text = row.numbers.errors > 0 && flags !== "" ? flags : (row.why ?? "")
  return html`${text}${row.since === null ? "" : html`<span class="sub">since ${clock(row.since)}</span>`}`
}

/** Rate, error ratio and latency cells with their sparklines. */
export function numberCells(row: RouteRow): Markup {
  const { numbers, points, health } = row
  const silent = health === "unknown" && numbers.requests === 0
  return html`<td class="n">${orDash(silent ? undefined : rate(numbers.requestsPerSecond))}</td><td class="wide">${requestSpark(points.requests)}</td><td class="n${heat(health)}">${orDash(percent(numbers.errorRatio))}</td><td class="wide">${errorSpark(points.errorRatio, health)}</td><td class="n wide">${orDash(millis(numbers.p50Ms))}</td><td class="n wide">${orDash(millis(numbers.p95Ms))}</td><td class="n wide">${orDash(millis(numbers.p99Ms))}</td>`
}
