import type { Context, Hono } from "hono"
import { HEALTH_STATES } from "#mesh/health.ts"
import type { Answers, Question } from "../view/answers.ts"
import { ROUTE_SORTS } from "../view/routes.ts"
import { OVERVIEW_RULES, PROXIES_RULES, ROUTE_RULES, ROUTES_RULES, type Rules } from "./asked.ts"
import { mountAssets } from "./assets.ts"
import { KIND_NAMES } from "./kinds.ts"
import { overviewMain } from "./overview-page.ts"
import { type Asked, answerPage, jsonHref, type Made } from "./page-answer.ts"
import { proxiesMain } from "./proxies-page.ts"
import { routeMain } from "./route-page.ts"
import { type RoutesFilter, routesMain } from "./routes-page.ts"

/** Pages show all rows; the browser and the forms filter. */
const ALL = { offset: 0, limit: Number.MAX_SAFE_INTEGER } as const
const ALL_ROUTES = { ...ALL, health: [], search: "", reverse: false } as const

function oneOf<T extends string>(values: readonly T[], text: string | undefined, otherwise: T): T {
  return values.find((value) => value === text) ?? otherwise
}

/** Puts the pages on the collector's application. Each page is one render of the same views that the API answers with. */
export function mountPages(app: Hono, views: Answers): void {
  mountAssets(app)
  const answer = (c: Context, rules: Rules, make: (query: Asked) => Promise<Made | undefined>) =>
    answerPage(c, views, rules, make)

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
    answer(c, OVERVIEW_RULES, async (query) => {
      const summary = await views.summary(query)
      return {
        title: "Overview",
        path: "/",
        answer: summary,
        json: jsonHref("/summary", query),
        main: overviewMain(summary, await views.graph(query), query),
      }
    }),
  )
  app.get("/routes", (c) =>
    answer(c, ROUTES_RULES, async (query) => {
      const filter: RoutesFilter = {
        q: c.req.query("q") ?? "",
        target: c.req.query("target") ?? "",
        kind: oneOf(["", ...KIND_NAMES] as const, c.req.query("kind"), ""),
        state: oneOf(["", ...HEALTH_STATES] as const, c.req.query("state"), ""),
        sort: oneOf(ROUTE_SORTS, c.req.query("sort"), "health"),
      }
      const view = await views.routes({ ...query, ...ALL_ROUTES, sort: filter.sort })
      return {
        title: "Routes",
        path: "/routes",
        answer: view,
        json: jsonHref("/routes", query),
        main: routesMain(view, filter, query, await leadingTo(filter.target, query)),
      }
    }),
  )
  app.get("/routes/:id", (c) =>
    answer(c, ROUTE_RULES, async (query) => {
      const id = c.req.param("id")
      const filter = { caller: c.req.query("caller") ?? "", target: c.req.query("target") ?? "" }
      const view = await views.route(id, {
        ...query,
        caller: filter.caller || null,
        target: filter.target || null,
      })
      return view === undefined
        ? undefined
        : {
            title: view.row.name,
            path: `/routes/${encodeURIComponent(id)}`,
            answer: view,
            json: jsonHref(`/routes/${encodeURIComponent(id)}`, query),
            main: routeMain(view, filter, query),
          }
    }),
  )
  app.get("/proxies", (c) =>
    answer(c, PROXIES_RULES, async (query) => {
      const view = await views.proxies({ ...query, ...ALL })
      return {
        title: "Proxies",
        path: "/proxies",
        answer: view,
        json: jsonHref("/proxies", query),
        main: proxiesMain(view, await views.unmapped(query), query),
      }
    }),
  )
}
