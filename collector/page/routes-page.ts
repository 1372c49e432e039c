import { html } from "hono/html"
import type { Health } from "#mesh/health.ts"
import type { RouteRow } from "../view/route-row.ts"
import type { RouteSort, RoutesView } from "../view/routes.ts"
import { nameCells, numberCells, parentsText, subText } from "./row.ts"
import { link, type PageQuery } from "./shell.ts"
import { tally } from "./state.ts"
import { counted, DASH, type Markup, wrapped } from "./words.ts"

/** Filters beside mesh and window; all live in the address. */
export interface RoutesFilter {
  /** Part of any name of the row. */
  readonly q: string
  /** Name of a virtual node: only rows that lead to it. */
  readonly target: string
  readonly kind: "" | "gateway_route" | "route" | "service" | "synthetic"
  readonly state: Health | ""
  readonly sort: RouteSort
}

const KINDS = [
  ["", "Kind: all"],
  ["gateway_route", "gateway routes"],
  ["route", "routes"],
  ["service", "services on a node"],
  ["synthetic", "not one route"],
] as const

/** Whether a row is shown. `leading`: ids of rows that lead to the target asked for. */
function takes(filter: RoutesFilter, row: RouteRow, leading: ReadonlySet<string>): boolean {
  if (filter.target !== "" && !leading.has(row.id)) return false
  const needle = filter.q.toLowerCase()
  const named =
    needle === "" ||
    [row.name, ...Object.values(row.key), row.why ?? ""].some((name) => name.toLowerCase().includes(needle))
  const kind =
    filter.kind === "" ||
    (filter.kind === "synthetic"
      ? row.synthetic !== null
      : row.synthetic === null && row.kind === filter.kind)
  return named && kind && (filter.state === "" || row.health === filter.state)
}

/** The view's own address, with changes. */
function hrefOf(
  filter: RoutesFilter,
  query: PageQuery,
  changes: Readonly<Record<string, string>> = {},
): string {
  const { q, target, kind, state, sort } = filter
  return link("/routes", query, { q, target, kind, state, sort: sort === "health" ? "" : sort, ...changes })
}

function head(
  label: string,
  sort: RouteSort,
  filter: RoutesFilter,
  query: PageQuery,
  classes: string,
): Markup {
  const sorted = filter.sort === sort
  const href = hrefOf(filter, query, { sort })
  return html`<th scope="col" class="${classes}"${sorted ? html` aria-sort="${sort === "name" ? "ascending" : "descending"}"` : ""}><a href="${href}">${label}</a></th>`
}

function bodyOf(mesh: string, rows: readonly RouteRow[], query: PageQuery, from: string | null): Markup {
  const real = rows.filter((row) => row.synthetic === null)
  return html`<tr class="group"><th colspan="11" scope="rowgroup">${mesh}<span class="muted">${rows[0]?.key.flavor ?? ""} · ${counted(real.length, "route")}</span></th></tr>${rows.map(
    (row) =>
      html`<tr${row.synthetic === null ? "" : html` class="syn"`}>${nameCells(row, query, subText(row, ""))}${numberCells(row, from)}<td class="wide soft">${wrapped(parentsText(row))}</td><td class="wide soft">${row.provenance ?? DASH}</td></tr>`,
  )}`
}

/** The table of all routes, worst first within each mesh. */
export function routesMain(
  view: RoutesView,
  filter: RoutesFilter,
  query: PageQuery,
  leading: ReadonlySet<string>,
): Markup {
  const { dataFrom } = view.completeness
  const rows = view.rows.filter((row) => takes(filter, row, leading))
  const synthetic = rows.filter((row) => row.synthetic !== null).length
  const meshes = Map.groupBy(rows, (row) => row.key.mesh)
  const here = hrefOf(filter, query)
  return html`<div class="title"><h1>Routes</h1><span class="muted">${rows.length} of ${counted(view.total, "row")}${synthetic === 0 ? "" : `, ${synthetic} of them not one route`}</span></div>
<form class="filters" method="get" action="/routes" role="search" aria-label="Filter routes">
${query.mesh === undefined ? "" : html`<input type="hidden" name="mesh" value="${query.mesh}">`}<input type="hidden" name="window" value="${query.window}">${filter.target === "" ? "" : html`<input type="hidden" name="target" value="${filter.target}">`}${filter.sort === "health" ? "" : html`<input type="hidden" name="sort" value="${filter.sort}">`}
<label class="vh" for="q">Name contains</label><input id="q" name="q" type="search" placeholder="Route, service, router or gateway" value="${filter.q}">
<label class="vh" for="kind">Kind</label><select id="kind" name="kind">${KINDS.map(([value, name]) => html`<option value="${value}"${value === filter.kind ? html` selected` : ""}>${name}</option>`)}</select>
<button>Filter</button>
${tally(view.routes, (each) => hrefOf(filter, query, { state: each === filter.state ? "" : each }), filter.state)}
</form>
${filter.target === "" ? "" : html`<p class="chosen">Routes that lead to virtual node <b>${wrapped(filter.target)}</b>. <a href="${hrefOf(filter, query, { target: "" })}">Show all</a></p>`}
<p class="url">This view: <a href="${here}" class="mono">${here}</a></p>
<section aria-label="Routes"><div class="scroll" role="region" aria-label="Routes table" tabindex="0"><table class="dense routes"><caption class="vh">Routes, worst first within each mesh</caption><thead><tr>${head("State", "health", filter, query, "wide")}${head("Route", "name", filter, query, "")}${head("Requests/s", "rate", filter, query, "n")}<th scope="col" class="wide"><span class="vh">Requests over 60 min</span></th>${head("Errors %", "errors", filter, query, "n")}<th scope="col" class="wide"><span class="vh">Errors over 60 min</span></th>${head("p50 ms", "p50", filter, query, "n wide")}${head("p95 ms", "p95", filter, query, "n wide")}${head("p99 ms", "p99", filter, query, "n wide")}<th scope="col" class="wide">Belongs to</th><th scope="col" class="wide">Counts from</th></tr></thead>
<tbody>${rows.length === 0 ? html`<tr><td colspan="11" class="muted">${view.total === 0 ? "No route is known yet." : "No row fits this filter."}</td></tr>` : [...meshes].map(([mesh, of]) => bodyOf(mesh, of, query, dataFrom))}</tbody></table></div></section>`
}
