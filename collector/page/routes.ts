import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import type { Context, Hono } from "hono"
import { html } from "hono/html"
import { HEALTH_STATES } from "#mesh/health.ts"
import type { Answers, Question } from "../view/answers.ts"
import { ROUTE_SORTS } from "../view/routes.ts"
import { overviewMain } from "./overview-page.ts"
import { proxiesMain } from "./proxies-page.ts"
import { routeMain } from "./route-page.ts"
import { type RoutesFilter, routesMain } from "./routes-page.ts"
import { document, type Page, type PageQuery, WINDOW_NAMES } from "./shell.ts"

/** Files that the pages load, read once. Nothing is loaded from elsewhere. */
const ASSETS = [
  ["page.css", "text/css; charset=utf-8"],
  ["page.js", "text/javascript; charset=utf-8"],
  ["icon.svg", "image/svg+xml"],
] as const

/** No inline script or style, no outside host, no framing. */
const PAGE_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const

/** Pages show all rows; the browser and the forms filter. */
const ALL = { offset: 0, limit: Number.MAX_SAFE_INTEGER } as const
const ALL_ROUTES = { ...ALL, health: [], search: "", reverse: false } as const

function oneOf<T extends string>(values: readonly T[], text: string | undefined, otherwise: T): T {
  return values.find((value) => value === text) ?? otherwise
}

function queryOf(c: Context): PageQuery & Question {
  const mesh = c.req.query("mesh")
  return {
    mesh: mesh === "" ? undefined : mesh,
    window: oneOf(WINDOW_NAMES, c.req.query("window"), "5m"),
  }
}

function jsonHref(path: string, query: PageQuery): string {
  const parameters = new URLSearchParams({
    window: query.window,
    ...(query.mesh === undefined ? {} : { mesh: query.mesh }),
  })
  return `/api/v1${path}?${parameters.toString()}`
}

/** Puts the pages on the collector's application. Each page is one render of the same views that the API answers with. */
export function mountPages(app: Hono, views: Answers): void {
  for (const [name, type] of ASSETS) {
    const body = readFileSync(new URL(name, import.meta.url))
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 16)}"`
    app.get(`/assets/${name}`, (c) => {
      const headers = {
        "content-type": type,
        etag,
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
      }
      return c.req.header("if-none-match") === etag
        ? c.body(null, 304, headers)
        : c.body(new Uint8Array(body), 200, headers)
    })
  }
  const meshes = async (query: Question): Promise<readonly string[]> =>
    (await views.summary({ ...query, mesh: undefined })).meshes.map((each) => each.mesh)
  const answer = async (c: Context, make: () => Promise<Omit<Page, "meshes">>, status: 200 | 404 = 200) => {
    const etag = `"${views.generation()}-${createHash("sha256").update(c.req.url).digest("base64url").slice(0, 12)}"`
    if (c.req.header("if-none-match") === etag) return c.body(null, 304, { etag })
    const page = await make()
    return c.html(
      document({ ...page, meshes: await meshes({ mesh: undefined, window: page.query.window }) }),
      status,
      { ...PAGE_HEADERS, etag, "cache-control": "no-cache" },
    )
  }

  /** Ids of rows that have a virtual node among their targets. */
  const leadingTo = async (target: string, query: Question): Promise<ReadonlySet<string>> => {
    if (target === "") return new Set()
    const { nodes, edges } = await views.graph(query)
    const known = new Map(nodes.map((node) => [node.id, node]))
    const rows = edges
      .filter((edge) => edge.kind === "target" && known.get(edge.target)?.name === target)
      .map((edge) => known.get(edge.source)?.routeId ?? "")
    return new Set(rows.filter((id) => id !== ""))
  }

  app.get("/", (c) =>
    answer(c, async () => {
      const query = queryOf(c)
      const summary = await views.summary(query)
      return {
        title: "Overview",
        path: "/",
        query,
        answer: summary,
        json: jsonHref("/summary", query),
        main: overviewMain(summary, await views.graph(query), query),
      }
    }),
  )
  app.get("/routes", (c) =>
    answer(c, async () => {
      const query = queryOf(c)
      const filter: RoutesFilter = {
        q: c.req.query("q") ?? "",
        target: c.req.query("target") ?? "",
        kind: oneOf(["", "gateway_route", "route", "service", "synthetic"] as const, c.req.query("kind"), ""),
        state: oneOf(["", ...HEALTH_STATES] as const, c.req.query("state"), ""),
        sort: oneOf(ROUTE_SORTS, c.req.query("sort"), "health"),
      }
      const view = await views.routes({ ...query, ...ALL_ROUTES, sort: filter.sort })
      return {
        title: "Routes",
        path: "/routes",
        query,
        answer: view,
        json: jsonHref("/routes", query),
        main: routesMain(view, filter, query, await leadingTo(filter.target, query)),
      }
    }),
  )
  app.get("/routes/:id", async (c) => {
    const query = queryOf(c)
    const id = c.req.param("id")
    const filter = { caller: c.req.query("caller") ?? "", target: c.req.query("target") ?? "" }
    const view = await views.route(id, {
      ...query,
      caller: filter.caller || null,
      target: filter.target || null,
    })
    const json = jsonHref(`/routes/${encodeURIComponent(id)}`, query)
    const path = `/routes/${encodeURIComponent(id)}`
    if (view === undefined) {
      const main = html`<div class="title"><h1>No such route</h1></div><p class="soft">No route has this address. It may have been removed from the mesh. <a href="/routes">All routes</a></p>`
      return answer(
        c,
        async () => ({ title: "No such route", path, query, answer: await views.summary(query), json, main }),
        404,
      )
    }
    return answer(c, async () => ({
      title: view.row.name,
      path,
      query,
      answer: view,
      json,
      main: routeMain(view, filter, query),
    }))
  })
  app.get("/proxies", (c) =>
    answer(c, async () => {
      const query = queryOf(c)
      const view = await views.proxies({ ...query, ...ALL })
      return {
        title: "Proxies",
        path: "/proxies",
        query,
        answer: view,
        json: jsonHref("/proxies", query),
        main: proxiesMain(view, await views.unmapped(query), query),
      }
    }),
  )
}
