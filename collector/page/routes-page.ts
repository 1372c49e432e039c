import { html } from "hono/html"
import type { Health } from "#mesh/health.ts"
import { tallyOf } from "../view/board.ts"
import type { RouteRow } from "../view/route-row.ts"
import type { RouteSort, RoutesView } from "../view/routes.ts"
import { troubleText } from "../view/verdict.ts"
import { kindCountText, rowsText } from "./counts.ts"
import { KINDS, type KindName } from "./kinds.ts"
import { isTcp, nameCells, numberCells, parentsText, subText } from "./row.ts"
import { link, type PageQuery } from "./shell.ts"
import { tally } from "./state.ts"
import { counted, DASH, type Markup, wrapped } from "./words.ts"

/** Filters beside mesh and window; all live in the address. */
export interface RoutesFilter {
  /** Part of any name of the row. */
  readonly q: string
  /** Name of a virtual node: only rows that lead to it. */
  readonly target: string
  readonly kind: KindName | ""
  readonly state: Health | ""
  readonly sort: RouteSort
}

/** Whether a row is one of a kind; a row without a known route is of none. */
function isKind({ synthetic, kind }: RouteRow, wanted: RoutesFilter["kind"]): boolean {
  if (wanted === "") return true
  if (synthetic !== null) return wanted === "synthetic"
  return wanted === "known" || wanted === kind
}

/** Whether a row is shown, whatever its state. `leading`: ids of rows that lead to the target asked for. */
function takes(filter: RoutesFilter, row: RouteRow, leading: ReadonlySet<string>): boolean {
  if (filter.target !== "" && !leading.has(row.id)) return false
  const needle = filter.q.toLowerCase()
  const named =
    needle === "" ||
    [row.name, ...Object.values(row.key), row.why ?? ""].some((name) => name.toLowerCase().includes(needle))
  return named && isKind(row, filter.kind)
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

/** Rows of one mesh. */
function bodyOf(rows: readonly RouteRow[], query: PageQuery, from: string | null): Markup {
  const { mesh = "", flavor = "" } = rows[0]?.key ?? {}
  return html`<tr class="group"><th colspan="11" scope="rowgroup">${mesh === "" ? "(mesh not named)" : mesh}<span class="muted">${flavor} · ${rowsText(rows)}</span></th></tr>${rows.map(
    (row) =>
      html`<tr${row.synthetic === null ? "" : html` class="syn"`}>${nameCells(row, query, subText(row, brokenText(row)))}${numberCells(row, from)}<td class="wide soft">${wrapped(parentsText(row))}</td><td class="wide soft">${row.provenance ?? DASH}</td></tr>`,
  )}`
}

/** Of TCP no cell holds the reason; connections that broke stand beside the others. */
function brokenText(row: RouteRow): string {
  return isTcp(row) && row.health === "failing" && row.tcp?.closedWithError === 0 ? troubleText(row) : ""
}

/** What can be counted in the table, and what it is made of. */
function titleText({ total }: RoutesView, rows: readonly RouteRow[]): string {
  if (rows.length === 0) return `none of ${counted(total, "row")}`
  if (rows.length < total) return `${rowsText(rows)}, of ${counted(total, "row")}`
  return kindCountText(rows)
}

/** The table of all routes, worst first within each mesh. */
export function routesMain(
  view: RoutesView,
  filter: RoutesFilter,
  query: PageQuery,
  leading: ReadonlySet<string>,
): Markup {
  const { dataFrom } = view.completeness
  const taken = view.rows.filter((row) => takes(filter, row, leading))
  const rows = taken.filter((row) => filter.state === "" || row.health === filter.state)
  const states = tallyOf(taken.map((row) => row.health))
  // Two meshes of one name may stand side by side during a migration.
  const meshes = Map.groupBy(rows, ({ key }) => `${key.mesh}\u0000${key.flavor}`)
  const here = hrefOf(filter, query)
  return html`<div class="title"><h1>Routes</h1><span class="muted">${titleText(view, rows)}</span></div>
<form class="filters" method="get" action="/routes" role="search" aria-label="Filter routes">
${query.mesh === undefined ? "" : html`<input type="hidden" name="mesh" value="${query.mesh}">`}<input type="hidden" name="window" value="${query.window}">${filter.target === "" ? "" : html`<input type="hidden" name="target" value="${filter.target}">`}${filter.sort === "health" ? "" : html`<input type="hidden" name="sort" value="${filter.sort}">`}
<label class="vh" for="q">Name contains</label><input id="q" name="q" type="search" placeholder="Route, service, router or gateway" value="${filter.q}">
<label class="vh" for="kind">Kind</label><select id="kind" name="kind"><option value="">All rows</option>${KINDS.map(([value, name]) => html`<option value="${value}"${value === filter.kind ? html` selected` : ""}>${name}</option>`)}</select>
<button>Filter</button>
${tally(states, "Rows by state", (each) => hrefOf(filter, query, { state: each === filter.state ? "" : each }), filter.state)}
</form>
${filter.target === "" ? "" : html`<p class="chosen">Routes that lead to virtual node <b>${wrapped(filter.target)}</b>. <a href="${hrefOf(filter, query, { target: "" })}">Show all</a></p>`}
<p class="url">This view: <a href="${here}" class="mono">${here}</a></p>
<section aria-label="Routes"><div class="scroll" role="region" aria-label="Routes table" tabindex="0"><table class="dense routes"><caption class="vh">Routes, worst first within each mesh</caption><thead><tr>${head("State", "health", filter, query, "wide")}${head("Route", "name", filter, query, "")}${head("Requests/s", "rate", filter, query, "n")}<th scope="col" class="wide"><span class="vh">Requests over 60 min</span></th>${head("Errors %", "errors", filter, query, "n")}<th scope="col" class="wide"><span class="vh">Errors over 60 min</span></th>${head("p50 ms", "p50", filter, query, "n wide")}${head("p95 ms", "p95", filter, query, "n wide")}${head("p99 ms", "p99", filter, query, "n wide")}<th scope="col" class="wide">Belongs to</th><th scope="col" class="wide">Counts from</th></tr></thead>
<tbody>${rows.length === 0 ? html`<tr><td colspan="11" class="muted">${view.total === 0 ? "No route is known yet." : "No row fits this filter."}</td></tr>` : [...meshes.values()].map((of) => bodyOf(of, query, dataFrom))}</tbody></table></div></section>`
}
