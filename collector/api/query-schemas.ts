import { z } from "@hono/zod-openapi"
import { HEALTH_STATES } from "#mesh/health.ts"
import { ROUTE_SORTS } from "../view/routes.ts"

const name = z.string().max(512)
const window = z.enum(["1m", "5m", "15m", "60m"]).default("5m").openapi({
  description: "How far back numbers reach. Lines always cover 60 minutes.",
})
const mesh = name
  .optional()
  .transform((text) => (text === "" ? undefined : text))
  .openapi({ description: "Only this mesh; absent: all." })

/** A whole number as a parameter's text says it; one sentence for all that it may not be. */
function whole(least: number, most: number) {
  const error = `expects a whole number from ${least} to ${most}`
  return z.coerce.number({ error }).int({ error }).min(least, { error }).max(most, { error })
}

const offset = whole(0, 1_000_000).default(0)
const limit = whole(1, 1000).default(200)

/** An unknown parameter is refused: a filter that was misspelt must not answer with everything. */
export const viewQuery = z.strictObject({ window, mesh })

export const routesQuery = z.strictObject({
  window,
  mesh,
  offset,
  limit,
  search: name.default("").openapi({ description: "Part of any name of the route." }),
  health: z
    .string()
    .default("")
    .transform((text) => (text === "" ? [] : text.split(",")))
    .pipe(z.array(z.enum(HEALTH_STATES)).max(HEALTH_STATES.length))
    .openapi({ type: "string", description: `Of ${HEALTH_STATES.join(", ")}; several joined by commas.` }),
  sort: z.enum(ROUTE_SORTS).default("health"),
  order: z.enum(["down", "up"]).default("down").openapi({ description: "`down`: worst or largest first." }),
})

export const routeQuery = z.strictObject({
  window,
  mesh,
  caller: name.default("").openapi({ description: "Only calls of this virtual node or gateway." }),
  target: name.default("").openapi({ description: "Only requests to this virtual node." }),
})

export const proxiesQuery = z.strictObject({ window, mesh, offset, limit })

export const errorRatiosQuery = z.strictObject({
  window: z.enum(["1m", "5m", "15m", "60m"]).default("60m"),
  mesh,
  step: whole(1, 3600).default(60).openapi({
    description: "Seconds per point; rounded down to whole steps of the store.",
  }),
})

/** What every question but the collector's own health has, of a question that was read. */
export const meshAndWindow = z.object({ window, mesh })

export const noQuery = z.strictObject({})
export const routeParameters = z.strictObject({
  id: z.string().regex(/^[grs]-[\w-]{15}$/, {
    error: "is not the id of a route; /api/v1/routes lists them",
  }),
})

export const problemSchema = z
  .strictObject({
    error: z.string(),
    problems: z.array(z.strictObject({ parameter: z.string(), message: z.string() })),
  })
  .openapi("Problem")
