import { createRoute, OpenAPIHono, type z } from "@hono/zod-openapi"
import type { Context } from "hono"
import type { BlankEnv } from "hono/types"
import type { Answers } from "../view/answers.ts"
import {
  errorRatiosQuery,
  noQuery,
  problemSchema,
  proxiesQuery,
  routeParameters,
  routeQuery,
  routesQuery,
  viewQuery,
} from "./query-schemas.ts"
import { makeReplyCache, reply } from "./reply.ts"
import {
  collectorHealthSchema,
  errorRatiosSchema,
  graphSchema,
  proxiesSchema,
  resourcesSchema,
  routeDetailSchema,
  routesSchema,
  summarySchema,
  unmappedSchema,
} from "./view-schemas.ts"

function json(schema: z.ZodType, description: string) {
  return { description, content: { "application/json": { schema } } }
}

function definition<Q extends z.ZodObject>(path: string, query: Q, answer: z.ZodType, summary: string) {
  return createRoute({
    method: "get",
    path: `/api/v1${path}`,
    summary,
    request: { query },
    responses: {
      200: json(answer, summary),
      304: { description: "The caller has this answer (If-None-Match)." },
      400: json(problemSchema, "A parameter is not known or not allowed."),
    },
  })
}

const oneRoute = createRoute({
  method: "get",
  path: "/api/v1/routes/{id}",
  summary: "One route: now and the hour before, targets, callers, flags, hosts, findings.",
  request: { query: routeQuery, params: routeParameters },
  responses: {
    200: json(routeDetailSchema, "The route."),
    304: { description: "The caller has this answer (If-None-Match)." },
    400: json(problemSchema, "A parameter is not known or not allowed."),
    404: json(problemSchema, "No route has this id."),
  },
})

const ROUTES = {
  summary: definition("/summary", viewQuery, summarySchema, "Verdict, tallies, worst routes."),
  resources: definition("/resources", viewQuery, resourcesSchema, "The declared tree with a state on each."),
  routes: definition("/routes", routesQuery, routesSchema, "One row per route, sorted and paged."),
  graph: definition("/graph", viewQuery, graphSchema, "Boxes by kind and edges with their traffic."),
  proxies: definition("/proxies", proxiesQuery, proxiesSchema, "Every proxy and agent."),
  unmapped: definition("/unmapped", viewQuery, unmappedSchema, "What could not be given to a resource."),
  errorRatios: definition(
    "/error-ratios",
    errorRatiosQuery,
    errorRatiosSchema,
    "Error ratio of every route over time.",
  ),
  health: definition("/health", noQuery, collectorHealthSchema, "The collector itself."),
}

/** The application that API, intake and pages are mounted on. */
export type CollectorApp = OpenAPIHono<BlankEnv>

export function makeRouter(): CollectorApp {
  return new OpenAPIHono<BlankEnv>({
    defaultHook: (result, c) => (result.success ? undefined : c.json(problemsOf(result.error), 400)),
  })
}

/** The summary API with its OpenAPI document. Reads only; every answer has an ETag. */
export function mountApi(app: CollectorApp, answers: Answers, version: string): void {
  const cache = makeReplyCache()
  const send = (c: Context, question: unknown, make: () => Promise<object | undefined>): Promise<never> =>
    // Bytes that were written once per generation carry no type; a test holds every answer against its schema.
    // oxlint-disable-next-line typescript/no-unsafe-type-assertion
    reply(c, cache, answers.generation(), `${c.req.path} ${JSON.stringify(question)}`, make) as Promise<never>

  app.openapi(ROUTES.summary, (c) => {
    const query = c.req.valid("query")
    return send(c, query, () => answers.summary(withMesh(query)))
  })
  app.openapi(ROUTES.resources, (c) => {
    const query = c.req.valid("query")
    return send(c, query, () => answers.resources(withMesh(query)))
  })
  app.openapi(ROUTES.routes, (c) => {
    const { order, ...query } = c.req.valid("query")
    const reverse = order === "up"
    return send(c, { ...query, reverse }, () => answers.routes({ ...withMesh(query), reverse }))
  })
  app.openapi(oneRoute, (c) => {
    const query = c.req.valid("query")
    const filter = { caller: query.caller || null, target: query.target || null }
    return send(c, query, () => answers.route(c.req.valid("param").id, { ...withMesh(query), ...filter }))
  })
  app.openapi(ROUTES.graph, (c) => {
    const query = c.req.valid("query")
    return send(c, query, () => answers.graph(withMesh(query)))
  })
  app.openapi(ROUTES.proxies, (c) => {
    const query = c.req.valid("query")
    return send(c, query, () => answers.proxies(withMesh(query)))
  })
  app.openapi(ROUTES.unmapped, (c) => {
    const query = c.req.valid("query")
    return send(c, query, () => answers.unmapped(withMesh(query)))
  })
  app.openapi(ROUTES.errorRatios, (c) => {
    const query = c.req.valid("query")
    return send(c, query, () => answers.errorRatios(withMesh(query), query.step * 1000))
  })
  app.openapi(ROUTES.health, (c) => send(c, {}, () => answers.health()))
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Meshscope summary API",
      version,
      description: "Times are RFC 3339 in UTC. null means not known, never zero. Ratios are 0 to 1.",
    },
  })
}

/** A parameter that was left out is there as undefined, for whoever asks the views. */
function withMesh<T extends { mesh?: string | undefined }>(query: T): T & { mesh: string | undefined } {
  return { ...query, mesh: query.mesh }
}

function problemsOf(error: { issues: readonly z.core.$ZodIssue[] }): z.output<typeof problemSchema> {
  const problems = error.issues.flatMap((issue) =>
    issue.code === "unrecognized_keys"
      ? issue.keys.map((parameter) => ({ parameter, message: "is not a known parameter" }))
      : [{ parameter: String(issue.path[0] ?? ""), message: sentenceOf(issue) }],
  )
  return { error: "The question cannot be answered as it is asked.", problems }
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  return issue.code === "invalid_value"
    ? `expects one of ${issue.values.map(String).join(", ")}`
    : issue.message
}
