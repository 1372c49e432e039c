import * as z from "zod"
import { MeshscopeError } from "#mesh/errors.ts"
import { HEALTH_STATES } from "#mesh/health.ts"
import { connectReason } from "#mesh/system-reason.ts"
import { limitedText } from "./limited-text.ts"

const ratio = z.number().min(0).max(1).nullable()

/** What the table shows of one row of `/api/v1/routes`; other fields are passed over. */
const row = z.object({
  key: z.object({
    mesh: z.string(),
    virtualGateway: z.string(),
    gatewayRoute: z.string(),
    virtualService: z.string(),
    virtualRouter: z.string(),
    route: z.string(),
  }),
  name: z.string(),
  synthetic: z.string().nullable(),
  health: z.enum(HEALTH_STATES),
  since: z.string().nullable(),
  reporter: z.string(),
  numbers: z.object({
    requestsPerSecond: z.number(),
    errorRatio: ratio,
    p50Ms: z.number().nullable(),
    p95Ms: z.number().nullable(),
    p99Ms: z.number().nullable(),
  }),
  /** Of a service that speaks TCP: it has connections, not requests. */
  tcp: z.object({ openedPerSecond: z.number(), closedWithError: z.number() }).nullable(),
  flagsTop: z.array(z.object({ flags: z.string(), count: z.number() })),
  worstTarget: z.object({ virtualNode: z.string() }).nullable(),
  answered: z.number(),
  known: z.number(),
})
export type ShownRoute = z.output<typeof row>

const answer = z.object({
  generatedAt: z.string(),
  windowSeconds: z.number(),
  complete: z.boolean(),
  completeness: z.object({
    proxiesKnown: z.number(),
    proxiesAnswered: z.number(),
    agentsKnown: z.number(),
    agentsSeen: z.number(),
    unaccountedRatio: z.number().nullable(),
    dataAgeSeconds: z.number().nullable(),
    storeProblem: z.string().nullable(),
  }),
  rows: z.array(row),
  next: z.number().int().nullable(),
})
export type ShownAnswer = z.output<typeof answer>

/** What stands above the table: what is wrong and where it begins, of `/api/v1/summary`. */
const summary = z.object({
  verdict: z.object({ health: z.enum(HEALTH_STATES), sentence: z.string() }),
  origins: z.array(
    z.object({
      sentence: z.string(),
      evidence: z.array(z.string()),
      since: z.string().nullable(),
      endedAt: z.string().nullable(),
    }),
  ),
})
export type ShownSummary = z.output<typeof summary>

/** How long the collector may take over one page. */
const TIMEOUT_MS = 10_000
const PAGE_ROWS = 200
/** 20,000 routes; more is no table for a terminal. */
const MOST_PAGES = 100
const MOST_MIB = 64

export interface RoutesQuestion {
  /** Base address of the collector, without a slash at its end. */
  readonly collector: string
  /** `5m`, as the collector knows windows. */
  readonly window: string
  readonly mesh: string | undefined
}

/**
 * Asks the collector for all rows. `raw` is the answer as it came, rows of all pages together.
 * @throws MeshscopeError COLLECTOR_UNREACHABLE and MESH_UNKNOWN (both retryable), COLLECTOR_BAD_ANSWER
 */
export async function askRoutes(
  question: RoutesQuestion,
  signal: AbortSignal,
): Promise<{ shown: ShownAnswer; raw: unknown }> {
  let offset: number | null = 0
  let first: { shown: ShownAnswer; raw: Record<string, unknown> } | undefined
  const rows: ShownRoute[] = []
  const rawRows: unknown[] = []
  for (let page = 0; offset !== null && page < MOST_PAGES; page += 1) {
    const raw = await ask(urlOf(question, offset), signal)
    const parsed = answer.safeParse(raw)
    if (!parsed.success) throw badAnswer(question.collector, "a list of routes", parsed.error.issues[0])
    first ??= { shown: parsed.data, raw: asRecord(raw) }
    rows.push(...parsed.data.rows)
    rawRows.push(...listOf(raw, "rows"))
    const { next } = parsed.data
    // A page that does not move on would be asked for again for ever.
    offset = next !== null && next > offset ? next : null
  }
  if (first === undefined) throw badAnswer(question.collector, "a list of routes", undefined)
  return {
    shown: { ...first.shown, rows, next: offset },
    raw: { ...first.raw, rows: rawRows, next: offset },
  }
}

/**
 * Asks the collector what is wrong and where it begins.
 * @throws MeshscopeError as `askRoutes`
 */
export async function askSummary(
  { collector, window, mesh }: RoutesQuestion,
  signal: AbortSignal,
): Promise<ShownSummary> {
  const parameters = new URLSearchParams({ window })
  if (mesh !== undefined) parameters.set("mesh", mesh)
  const parsed = summary.safeParse(await ask(`${collector}/api/v1/summary?${parameters.toString()}`, signal))
  if (!parsed.success) throw badAnswer(collector, "a summary", parsed.error.issues[0])
  return parsed.data
}

function urlOf({ collector, window, mesh }: RoutesQuestion, offset: number): string {
  const parameters = new URLSearchParams({ window, sort: "health", limit: String(PAGE_ROWS) })
  if (offset > 0) parameters.set("offset", String(offset))
  if (mesh !== undefined) parameters.set("mesh", mesh)
  return `${collector}/api/v1/routes?${parameters.toString()}`
}

async function ask(url: string, signal: AbortSignal): Promise<unknown> {
  let text: string
  let status: number
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      headers: { accept: "application/json" },
      redirect: "error",
    })
    status = response.status
    text = await limitedText(response, MOST_MIB, "COLLECTOR_BAD_ANSWER")
  } catch (cause) {
    if (cause instanceof MeshscopeError) throw cause
    const message = `The collector at ${new URL(url).origin} does not answer: ${reason(cause)}. Name another with --collector URL.`
    throw new MeshscopeError("COLLECTOR_UNREACHABLE", message, { retryable: true, cause })
  }
  if (status === 404) throw notThere(url, text)
  if (status !== 200)
    throw new MeshscopeError(
      "COLLECTOR_BAD_ANSWER",
      `The collector answered ${status} to ${url}: ${text.slice(0, 300)}`,
    )
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw new MeshscopeError("COLLECTOR_BAD_ANSWER", `${url} did not answer JSON; is this a collector?`, {
      cause,
    })
  }
}

const problem = z.object({
  error: z.string(),
  problems: z.array(z.object({ parameter: z.literal("mesh") })).min(1),
})

/** A collector that knows no such mesh says so; it may know it in a while. Anything else is no collector. */
function notThere(url: string, text: string): MeshscopeError {
  const said = problem.safeParse(jsonOf(text))
  return said.success
    ? new MeshscopeError("MESH_UNKNOWN", said.data.error, { retryable: true })
    : new MeshscopeError(
        "COLLECTOR_BAD_ANSWER",
        `The collector answered 404 to ${url}: ${text.slice(0, 300)}`,
      )
}

function jsonOf(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function reason(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  if (error.name === "TimeoutError") return `no answer within ${TIMEOUT_MS / 1000} s`
  return connectReason(error)
}

function badAnswer(collector: string, wanted: string, issue: z.core.$ZodIssue | undefined): MeshscopeError {
  const where = issue === undefined ? "" : ` (${issue.path.map(String).join(".")}: ${issue.message})`
  const message = `The collector at ${collector} answered something that is not ${wanted}${where}; is it of another version?`
  return new MeshscopeError("COLLECTOR_BAD_ANSWER", message)
}

function asRecord(raw: unknown): Record<string, unknown> {
  return typeof raw === "object" && raw !== null ? { ...raw } : {}
}

function listOf(raw: unknown, key: string): unknown[] {
  const value = asRecord(raw)[key]
  return Array.isArray(value) ? value : []
}
