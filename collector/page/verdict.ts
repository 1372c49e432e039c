import { html } from "hono/html"
import { mainFlag } from "../view/main-flag.ts"
import type { AffectedRoute, FaultOrigin } from "../view/origins.ts"
import type { RouteRow } from "../view/route-row.ts"
import type { SummaryView } from "../view/summary.ts"
import { troubleText } from "../view/verdict.ts"
import { kindsText } from "./counts.ts"
import { routeHref, sinceText } from "./row.ts"
import { link, type PageQuery } from "./shell.ts"
import { stateClass, tally } from "./state.ts"
import { counted, type Markup } from "./words.ts"

/** Origins and names that are shown; the rest is counted. */
const MOST_ORIGINS = 3
const MOST_NAMES = 5

/** How many are in trouble, in words that a pager message could use. */
function headline({ routes, synthetic, verdict }: SummaryView): string {
  const counts = [
    [routes.failing, "failing"],
    [routes.degraded, "degraded"],
  ] as const
  const worst = counts.find(([count]) => count > 0)
  if (worst !== undefined) return `${worst[0]} of ${counted(routes.total, "route")} ${worst[1]}`
  if (synthetic.failing + synthetic.degraded === 0) return verdict.sentence
  const none = `None of ${counted(routes.total, "route")} ${routes.unknown === 0 ? "fails" : "is known to fail"}`
  return `${routes.total === 0 ? "No route is known" : none}, but requests without a known route fail`
}

interface Named extends Pick<AffectedRoute, "id" | "name"> {
  readonly why?: string
}

function names(routes: readonly Named[], query: PageQuery): Markup {
  const shown = routes.slice(0, MOST_NAMES)
  const more = routes.length - shown.length
  return html`${shown.map(
    (route, index) =>
      html`${index === 0 ? "" : ", "}<a href="${routeHref(route.id, query)}">${route.name}</a>${route.why === undefined ? "" : ` (${route.why})`}`,
  )}${more === 0 ? "" : ` and ${more} more`}.`
}

function stateWord(routes: readonly AffectedRoute[]): string {
  const failing = routes.filter(({ health }) => health === "failing").length
  if (failing === 0) return "Degraded"
  return failing === routes.length ? "Failing" : "Failing or degraded"
}

/** A sentence that names a node, the name being a link to what leads there. */
function linked(sentence: string, node: string, query: PageQuery): Markup {
  const at = sentence.indexOf(node)
  if (at < 0) return html`${sentence}`
  const href = link("/routes", query, { target: node })
  return html`${sentence.slice(0, at)}<a href="${href}">${node}</a>${sentence.slice(at + node.length)}`
}

/** Where it begins, on what counts that rests, and which routes fail for it. */
function originText(origin: FaultOrigin, view: SummaryView, query: PageQuery): Markup {
  const { routes } = origin
  const there = routes.filter(({ how }) => how === "there")
  const same = routes.filter(({ how }) => how === "same")
  const through = Map.groupBy(
    routes.filter(({ how }) => how === "through"),
    ({ via }) => via ?? "",
  )
  const since = origin.since === null ? "" : html` since <b>${sinceText(origin.since, view.generatedAt)}</b>`
  return html`<p><b>${linked(origin.sentence, origin.virtualNode, query)}</b>${since}. <span class="base">${origin.evidence[0] ?? ""}</span></p>
<p class="chain">${there.length === 0 ? "" : html`${stateWord(there)} there: ${names(there, query)} `}${same.length === 0 ? "" : html`The same requests, seen one hop earlier: ${names(same, query)} `}${[...through].map(([via, all]) => html`Through ${via}, whose own calls fail there: ${names(all, query)} `)}</p>`
}

/** One route without a place that counts prove. */
function rowText(row: RouteRow, view: SummaryView, query: PageQuery): Markup {
  const flag = mainFlag(row) ?? "-"
  const since = row.since === null ? "" : html` since <b>${sinceText(row.since, view.generatedAt)}</b>`
  const where = row.worstTarget === null ? "" : ` at ${row.worstTarget.virtualNode}`
  const of = row.synthetic === null ? "" : ` of ${row.key.virtualService || row.key.mesh}`
  return html`<p><a href="${routeHref(row.id, query)}">${row.name}</a>${of} is ${row.health}${since}: ${troubleText(row)}${flag === "-" ? "" : `, mostly ${flag}${where}`}.</p>`
}

function wholeName({ name, synthetic, key }: RouteRow): string {
  return synthetic === null ? name : `${name} of ${key.virtualService || key.virtualGateway || key.mesh}`
}

function rest(view: SummaryView, query: PageQuery): Markup {
  const told = new Set(view.origins.flatMap(({ routes }) => routes.map(({ id }) => id)))
  const left = view.worst
    .filter((row) => !told.has(row.id) && (row.health === "failing" || row.health === "degraded"))
    .map((row) => ({ id: row.id, name: wholeName(row), why: troubleText(row) }))
  return left.length === 0 ? html`` : html`<p class="chain">Not explained by this: ${names(left, query)}</p>`
}

function cause(view: SummaryView, query: PageQuery): Markup {
  const { origins, worst, verdict, routes } = view
  const row = worst.find(({ id }) => id === verdict.routeId)
  if (origins.length > 0)
    return html`${origins.slice(0, MOST_ORIGINS).map((origin) => originText(origin, view, query))}${
      origins.length > MOST_ORIGINS
        ? html`<p class="chain">${counted(origins.length - MOST_ORIGINS, "further place")} where something begins.</p>`
        : ""
    }${rest(view, query)}`
  if (row !== undefined) return rowText(row, view, query)
  return routes.failing + routes.degraded > 0 ? html`<p>${verdict.sentence}</p>` : html``
}

/** The first line: what is wrong, where it begins, since when, and what fails with it. */
export function verdictSection(view: SummaryView, query: PageQuery): Markup {
  const name = stateClass(view.verdict.health)
  return html`<section class="verdict ${name}" aria-labelledby="verdict">
<svg class="i ${name}" aria-hidden="true"><use href="#i-${name}"/></svg><h1 id="verdict">${headline(view)}</h1>
<div class="cause">${cause(view, query)}</div>
<div class="by">${tally(view.routes, "Routes by state", (each) => link("/routes", query, { kind: "known", state: each }))}${view.routes.total === 0 ? "" : html`<p class="sub">${counted(view.routes.total, "route")}: ${kindsText(view.routeKinds)}</p>`}</div>
</section>`
}
