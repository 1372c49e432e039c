import { z } from "@hono/zod-openapi"
import { HEALTH_STATES } from "#mesh/health.ts"
import { KINDS, REPORTERS } from "#mesh/resource.ts"
import type {
  Completeness,
  HostsSeen,
  RequestNumbers,
  ResourceLink,
  Tally,
  TcpNumbers,
} from "../view/answer.ts"
import { type RouteRow, SYNTHETIC } from "../view/route-row.ts"

/** Each schema is checked against the type that the views answer with: neither can change alone. */
export const health = z.enum(HEALTH_STATES)
export const kind = z.enum(KINDS)
export const time = z.string().openapi({ format: "date-time" })
const ratio = z.number().min(0).max(1)
const count = z.number().min(0)
const ms = count.nullable().openapi({ description: "Milliseconds; null where nobody measured." })

const completeness = z
  .strictObject({
    complete: z.boolean(),
    proxiesKnown: count,
    proxiesAnswered: count,
    agentsKnown: count,
    agentsSeen: count,
    unaccountedRatio: ratio.nullable(),
    dataAt: time.nullable(),
    dataAgeSeconds: count.nullable(),
    dataFrom: time.nullable(),
    storeProblem: z.string().nullable(),
  })
  .openapi("Completeness") satisfies z.ZodType<Completeness>

/** What every answer carries. */
export const head = {
  generatedAt: time,
  windowSeconds: count,
  mesh: z.string().nullable(),
  complete: z.boolean(),
  completeness,
}

export const numbers = z
  .strictObject({
    requests: count,
    requestsPerSecond: count,
    ok: count,
    clientErrors: count,
    errors: count,
    aborted: count,
    errorRatio: ratio.nullable(),
    p50Ms: ms,
    p95Ms: ms,
    p99Ms: ms,
  })
  .openapi("RequestNumbers") satisfies z.ZodType<RequestNumbers>

export const tcpNumbers = z
  .strictObject({
    activeConnections: count.nullable(),
    opened: count,
    openedPerSecond: count,
    closed: count,
    closedWithError: count,
    sentBytesPerSecond: count,
    receivedBytesPerSecond: count,
  })
  .openapi("TcpNumbers") satisfies z.ZodType<TcpNumbers>

export const hostsSeen = z
  .strictObject({
    virtualNode: z.string(),
    healthy: count,
    total: count,
    degraded: count,
    unhealthy: count,
    ejected: count,
    clients: count,
    spread: count,
    worstClient: z.string().nullable(),
  })
  .openapi("HostsSeen") satisfies z.ZodType<HostsSeen>

export const tally = z
  .strictObject({
    failing: count,
    degraded: count,
    ok: count,
    "no traffic": count,
    unknown: count,
    total: count,
  })
  .openapi("Tally") satisfies z.ZodType<Tally>

export const resourceLink = z.strictObject({
  kind,
  name: z.string(),
  health,
}) satisfies z.ZodType<ResourceLink>

export const routeRow = z
  .strictObject({
    id: z.string(),
    key: z.strictObject({
      mesh: z.string(),
      flavor: z.string(),
      virtualGateway: z.string(),
      gatewayRoute: z.string(),
      virtualService: z.string(),
      virtualRouter: z.string(),
      route: z.string(),
    }),
    kind: z.enum(["gateway_route", "route", "service"]),
    name: z.string(),
    synthetic: z.enum(SYNTHETIC).nullable(),
    why: z.string().nullable(),
    declared: z.boolean(),
    health,
    since: time.nullable(),
    endedAt: time.nullable(),
    reporter: z.enum(REPORTERS),
    numbers,
    tcp: tcpNumbers.nullable(),
    flagsTop: z.array(z.strictObject({ flags: z.string(), count })),
    worstTarget: z.strictObject({ virtualNode: z.string(), errors: count }).nullable(),
    provenance: z.enum(["log", "stats", "mixed"]).nullable(),
    points: z.strictObject({
      startAt: time,
      stepSeconds: count,
      requests: z.array(count.nullable()),
      errorRatio: z.array(ratio.nullable()),
      p95Ms: z.array(ms),
    }),
    answered: count,
    known: count,
  })
  .openapi("RouteRow") satisfies z.ZodType<RouteRow>
