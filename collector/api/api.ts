import { createRoute, OpenAPIHono, type z } from "@hono/zod-openapi"
import type { Context } from "hono"
import type { BlankEnv } from "hono/types"
import type { Answers } from "../view/answers.ts"
import {
  errorRatiosQuery,
  meshAndWindow,
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
  declaredModelSchema,
  errorRatiosSchema,
  graphSchema,
  proxiesSchema,
  resourcesSchema,
  routeDetailSchema,
  routesSchema,
  summarySchema,
  unmappedSchema,
} from "./view-schemas.ts"

/** The application that API, intake and pages are mounted on. */
export type CollectorApp = OpenAPIHono<BlankEnv>

export function makeRouter(): CollectorApp {
  return new OpenAPIHono<BlankEnv>()
}

function json(schema: z.ZodType, description: string) {
  return { description, content: { "application/json": { schema } } }
}

type Problem = z.output<typeof problemSchema>

/** Puts one question on the application and into its description. undefined from `make`: 404. */
type Put = <Q extends z.ZodObject>(
  path: string,
  query: Q,
  answer: z.ZodType,
  summary: string,
  make: (query: z.output<Q>, c: Context) => Promise<object | undefined>,
) => void

/** What is not there: a mesh, or a route. */
function missing(byId: boolean, byMesh: boolean) {
  const what = [
    byMesh ? "no mesh is called so; those that are known are named" : "",
    byId ? "no route has this id" : "",
  ]
  const text = what.filter((each) => each !== "").join(", or ")
  return text === "" ? {} : { 404: json(problemSchema, `${text.charAt(0).toUpperCase()}${text.slice(1)}.`) }
}

/** Answers are made, written and compressed once per generation of `answers` and question. */
function putterOn(app: CollectorApp, answers: Answers): Put {
  const cache = makeReplyCache()
  return (path, query, answer, summary, make) => {
    const params = path.includes("{id}") ? routeParameters : undefined
    const route = createRoute({
      method: "get",
      path: `/api/v1${path}`,
      summary,
      request: { query, ...(params === undefined ? {} : { params }) },
      responses: {
        200: json(answer, summary),
        304: { description: "The caller has this answer (If-None-Match)." },
        400: json(problemSchema, "A parameter is not known or not allowed."),
        ...missing(params !== undefined, "mesh" in query.shape),
      },
    })
    app.openAPIRegistry.registerPath(route)
    app.get(route.getRoutingPath(), async (c) => {
      const wrong = params?.safeParse(c.req.param()).error
      const asked = query.safeParse(parametersOf(c))
      if (wrong !== undefined) return c.json(problemsOf(wrong), 400)
      if (!asked.success) return c.json(problemsOf(asked.error), 400)
      const unknown = await unknownMesh(answers, asked.data)
      if (unknown !== undefined) return c.json(unknown, 404)
      const question = `${c.req.path} ${JSON.stringify(asked.data)}`
      return reply(c, cache, answers.generation(), question, () => make(asked.data, c))
    })
  }
}

/** The summary API with its OpenAPI document. Reads only; every answer has an ETag. */
export function mountApi(app: CollectorApp, answers: Answers, version: string): void {
  const put = putterOn(app, answers)
  put("/summary", viewQuery, summarySchema, "Verdict, tallies, worst routes.", (query) =>
    answers.summary(withMesh(query)),
  )
  put("/resources", viewQuery, resourcesSchema, "The declared tree with a state on each.", (query) =>
    answers.resources(withMesh(query)),
  )
  put("/routes", routesQuery, routesSchema, "One row per route, sorted and paged.", ({ order, ...query }) =>
    answers.routes({ ...withMesh(query), reverse: order === "up" }),
  )
  put(
    "/routes/{id}",
    routeQuery,
    routeDetailSchema,
    "One route: now and the hour before, targets, callers, flags, hosts, findings.",
    (query, c) => {
      const filter = { caller: query.caller || null, target: query.target || null }
      return answers.route(c.req.param("id") ?? "", { ...withMesh(query), ...filter })
    },
  )
  put("/graph", viewQuery, graphSchema, "Boxes by kind and edges with their traffic.", (query) =>
    answers.graph(withMesh(query)),
  )
  put("/proxies", proxiesQuery, proxiesSchema, "Every proxy and agent.", (query) =>
    answers.proxies(withMesh(query)),
  )
  put("/unmapped", viewQuery, unmappedSchema, "Named with a doubt, or not at all.", (query) =>
    answers.unmapped(withMesh(query)),
  )
  put(
    "/error-ratios",
    errorRatiosQuery,
    errorRatiosSchema,
    "Error ratio of every route over time.",
    (query) => answers.errorRatios(withMesh(query), query.step * 1000),
  )
  app.openAPIRegistry.registerPath(
    createRoute({
      method: "get",
      path: "/api/v1/model",
      summary: "The declared model that the collector watches: its sources, and what was passed over.",
      responses: { 200: json(declaredModelSchema, "How it is known now.") },
    }),
  )
  app.get("/api/v1/model", (c) => c.json(answers.model()))
  put("/health", noQuery, collectorHealthSchema, "The collector itself.", () => answers.health())
  app.doc31("/openapi.json", {
    openapi: "3.1.0",
    info: {
      title: "Meshscope summary API",
      version,
      description: "Times are RFC 3339 in UTC. null means not known, never zero. Ratios are 0 to 1.",
    },
  })
}

/** Texts by name; a parameter that stands twice is a list, which no schema takes. */
function parametersOf(c: Context): object {
  return Object.fromEntries(
    Object.entries(c.req.queries()).map(([name, values]) => [name, values.length === 1 ? values[0] : values]),
  )
}

/** A parameter that was left out is there as undefined, for whoever asks the views. */
function withMesh<T extends { mesh?: string | undefined }>(query: T): T & { mesh: string | undefined } {
  return { ...query, mesh: query.mesh }
}

/** Of a mesh that nobody told of: an answer without rows would look as if all were quiet there. */
async function unknownMesh(answers: Answers, asked: object): Promise<Problem | undefined> {
  const { mesh, window } = meshAndWindow.parse(asked)
  if (mesh === undefined) return undefined
  const known = await answers.meshes(window)
  if (known.includes(mesh)) return undefined
  const names = known.join(", ")
  return {
    error: `No mesh is called "${mesh}". ${known.length === 0 ? "None is known yet." : `Known: ${names}.`}`,
    problems: [
      { parameter: "mesh", message: known.length === 0 ? "no mesh is known yet" : `expects one of ${names}` },
    ],
  }
}

function problemsOf(error: { issues: readonly z.core.$ZodIssue[] }): Problem {
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
