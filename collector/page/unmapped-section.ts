import { html } from "hono/html"
import type { RouteRow } from "../view/route-row.ts"
import type { UnmappedView } from "../view/unmapped.ts"
import { routeHref } from "./row.ts"
import type { PageQuery } from "./shell.ts"
import { grouped, type Markup, wrapped } from "./words.ts"

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

function doubted(became: string | Markup, from: Markup, why: string, count: number): Markup {
  return html`<tr><th scope="row">${became}<span class="sub narrow">${from}</span><span class="sub narrow">${why}</span></th><td class="wide">${from}</td><td class="wide soft why">${why}</td><td class="n">${grouped(count)}</td></tr>`
}

function belongsTo({ key }: RouteRow): string {
  return [key.virtualGateway, key.virtualService].filter((name) => name !== "").join(" / ")
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
      : html`<div class="scroll" role="region" aria-label="Named with a doubt, or not at all, table" tabindex="0"><table class="dense"><caption class="vh">Requests with a doubt, and rows without a known route</caption><thead><tr><th scope="col">What became of it</th><th scope="col" class="wide">From</th><th scope="col" class="wide">Why</th><th scope="col" class="n">Count</th></tr></thead><tbody>${view.doubts.length === 0 ? "" : group("Lines with a doubt, by proxy")}${view.doubts.map(
          (row) =>
            doubted(
              BECAME[row.reason] ?? row.reason,
              html`${wrapped(row.proxy)}<span class="sub">${wrapped(row.resource)}</span>`,
              row.meaning,
              row.count,
            ),
        )}${view.rows.length === 0 ? "" : group("Requests without a known route, by where they belong")}${view.rows.map(
          (row) =>
            doubted(
              html`<a href="${routeHref(row.id, query)}">${row.name}</a>`,
              wrapped(belongsTo(row)),
              row.why ?? "",
              row.numbers.requests,
            ),
        )}</tbody></table></div>`
  }</section>`
}
