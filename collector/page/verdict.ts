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
import { clock, counted, type Markup } from "./words.ts"

/** Origins and names that are shown; the rest is counted. */
const MOST_ORIGINS = 3
const MOST_NAMES = 5

/** How many are in trouble, in words that a pager message could use. */
function headline({ routes, synthetic, verdict, ended, syntheticEnded }: SummaryView): string {
  const counts = [
    [routes.failing - ended.failing, "failing"],
    [routes.degraded - ended.degraded, "degraded"],
  ] as const
  const worst = counts.find(([count]) => count > 0)
  const over = ended.failing + ended.degraded
  const lost = synthetic.failing + synthetic.degraded
  if (worst !== undefined) return `${worst[0]} of ${counted(routes.total, "route")} ${worst[1]}`
  if (lost > syntheticEnded) return "Requests without a known route fail"
  if (over > 0)
    return `${over} of ${counted(routes.total, "route")} failed, and ${over === 1 ? "does" : "do"} so no more`
  return lost > 0 ? "Requests without a known route failed, and do so no more" : verdict.sentence
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

function stateWord(routes: readonly AffectedRoute[], ended: boolean): string {
  if (ended) return "Failed"
  const failing = routes.filter(({ health }) => health === "failing").length
  if (failing === 0) return "Degraded"
  return failing === routes.length ? "Failing" : "Failing or degraded"
}

/** A sentence that names a node, the name being a link to what leads there. */
function linked(sentence: string, node: string, query: PageQuery): Markup {
  const at = sentence.indexOf(node)
  if (node === "" || at < 0) return html`${sentence}`
  const href = link("/routes", query, { target: node })
  return html`${sentence.slice(0, at)}<a href="${href}">${node}</a>${sentence.slice(at + node.length)}`
}

/** Since when something goes on, or when it ended. */
function whenText({ since, endedAt }: Pick<FaultOrigin, "since" | "endedAt">, view: SummaryView): Markup {
  if (endedAt !== null) return html`, ended <b>${clock(endedAt)}</b>`
  return since === null ? html`` : html` since <b>${sinceText(since, view.generatedAt)}</b>`
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
  const since = whenText(origin, view)
  return html`<p><b>${linked(origin.sentence, origin.virtualNode, query)}</b>${since}. <span class="base">${origin.evidence[0] ?? ""}</span></p>
<p class="chain">${there.length === 0 ? "" : html`${stateWord(there, origin.endedAt !== null)} there: ${names(there, query)} `}${same.length === 0 ? "" : html`The same requests, seen one hop earlier: ${names(same, query)} `}${[...through].map(([via, all]) => html`Through ${via}, whose own calls fail there: ${names(all, query)} `)}</p>`
}

/** One route without a place that counts prove. */
function rowText(row: RouteRow, view: SummaryView, query: PageQuery): Markup {
  const flag = mainFlag(row) ?? "-"
  const since = whenText(row, view)
  const where = row.worstTarget === null ? "" : ` at ${row.worstTarget.virtualNode}`
  const of = row.synthetic === null ? "" : ` of ${row.key.virtualService || row.key.mesh}`
  return html`<p><a href="${routeHref(row.id, query)}">${row.name}</a>${of} ${row.endedAt === null ? "is" : "was"} ${row.health}${since}: ${troubleText(row)}${flag === "-" ? "" : `, mostly ${flag}${where}`}.</p>`
}

function wholeName({ name, synthetic, key }: RouteRow): string {
  return synthetic === null ? name : `${name} of ${key.virtualService || key.virtualGateway || key.mesh}`
}

function restText(row: RouteRow): string {
  return `${troubleText(row)}${row.endedAt === null ? "" : `, ended ${clock(row.endedAt)}`}`
}

function rest(view: SummaryView, shown: RouteRow | undefined, query: PageQuery): Markup {
  const told = new Set(view.origins.flatMap(({ routes }) => routes.map(({ id }) => id)))
  if (shown !== undefined) told.add(shown.id)
  const left = view.worst
    .filter((row) => !told.has(row.id) && (row.health === "failing" || row.health === "degraded"))
    .map((row) => ({ id: row.id, name: wholeName(row), why: restText(row) }))
  return left.length === 0 ? html`` : html`<p class="chain">Not explained by this: ${names(left, query)}</p>`
}

function cause(view: SummaryView, query: PageQuery): Markup {
  const { origins, worst, verdict, routes } = view
  const row = worst.find(({ id }) => id === verdict.routeId)
  // What goes on without a place that is proven stands above places of what has ended.
  const first = row?.endedAt === null && origins[0]?.endedAt !== null ? row : undefined
  if (origins.length > 0)
    return html`${first === undefined ? "" : rowText(first, view, query)}${origins.slice(0, MOST_ORIGINS).map((origin) => originText(origin, view, query))}${
      origins.length > MOST_ORIGINS
        ? html`<p class="chain">${counted(origins.length - MOST_ORIGINS, "further place")} where something begins.</p>`
        : ""
    }${rest(view, first, query)}`
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
