import { html } from "hono/html"
import type { RouteRow } from "../view/route-row.ts"
import type { UnmappedView } from "../view/unmapped.ts"
import { parentsText, routeHref } from "./row.ts"
import type { PageQuery } from "./shell.ts"
import { counted, grouped, type Markup, wrapped } from "./words.ts"

/** What became of a request that could not be given away without a doubt. */
const BECAME: Readonly<Record<string, string>> = {
  direction: "not counted",
  cluster: "target not known",
  host: "target not known",
  route_ambiguous: "route not decided",
  route_unmatched: "no route takes it",
  forgeable: "named, with a doubt",
}

function group(text: string): Markup {
  return html`<tr class="group"><th colspan="4" scope="rowgroup">${text}</th></tr>`
}

function doubted(became: string | Markup, from: Markup, why: string, count: string | Markup): Markup {
  return html`<tr><th scope="row">${became}<span class="sub narrow">${from}</span><span class="sub narrow">${why}</span></th><td class="wide">${from}</td><td class="wide soft why">${why}</td><td class="n">${count}</td></tr>`
}

/** Requests, and below them connections with those that failed. */
function countCell({ numbers, tcp }: RouteRow): string | Markup {
  if (tcp === null) return grouped(numbers.requests)
  const broken = tcp.closedWithError === 0 ? "" : `${grouped(tcp.closedWithError)} ended with an error`
  return html`${numbers.requests === 0 ? "" : html`${grouped(numbers.requests)}<br>`}${counted(tcp.opened, "connection")}${broken === "" ? "" : html`<span class="sub hot">${broken}</span>`}`
}

/** Lines with a doubt, and rows without a known route: nothing is dropped in silence. */
export function unmappedSection(view: UnmappedView, query: PageQuery): Markup {
  const minutes = query.window.replace("m", " min")
  const none =
    view.completeness.unaccountedRatio === null
      ? "No request was read, so none had to be named."
      : "Every request that was read was given to a declared resource, without a doubt."
  return html`<section aria-labelledby="h-unmapped"><header><h2 id="h-unmapped">Named with a doubt, or not at all</h2><span class="muted">last ${minutes}</span></header>${
    view.doubts.length + view.rows.length === 0
      ? html`<p class="muted">${none}</p>`
      : html`<div class="scroll" role="region" aria-label="Named with a doubt, or not at all, table" tabindex="0"><table class="dense"><caption class="vh">Lines with a doubt, and rows without a known route</caption><thead><tr><th scope="col">What became of it</th><th scope="col" class="wide">From</th><th scope="col" class="wide">Why</th><th scope="col" class="n">Count</th></tr></thead><tbody>${view.doubts.length === 0 ? "" : group("Lines with a doubt, by proxy")}${view.doubts.map(
          (row) =>
            doubted(
              BECAME[row.reason] ?? row.reason,
              html`${wrapped(row.proxy)}<span class="sub">${wrapped(row.resource)}</span>`,
              row.meaning,
              grouped(row.count),
            ),
        )}${view.rows.length === 0 ? "" : group("Requests and connections without a known route, by where they belong")}${view.rows.map(
          (row) =>
            doubted(
              html`<a href="${routeHref(row.id, query)}">${row.name}</a>`,
              wrapped(parentsText(row)),
              row.why ?? "",
              countCell(row),
            ),
        )}</tbody></table></div>`
  }</section>`
}
