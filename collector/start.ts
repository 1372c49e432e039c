import { type ServerType, serve } from "@hono/node-server"
import type { Clock } from "#mesh/clock.ts"
import { listenFailed, stateFailed } from "#mesh/system-reason.ts"
import type { CollectorApp } from "./api/api.ts"
import { makeOwnMetrics } from "./api/own-metrics.ts"
import { buildApp } from "./app.ts"
import { type CollectorConfig, readToken } from "./config.ts"
import { Intake } from "./ingest/intake.ts"
import type { Log } from "./log.ts"
import { receiveClock } from "./receive-clock.ts"
import { EmbeddedStore, MINUTE_MS } from "./store/embedded-store.ts"
import { type Journal, memoryJournal } from "./store/journal.ts"
import { openSqliteJournal } from "./store/sqlite-journal.ts"
import { type Answers, makeAnswers } from "./view/answers.ts"

export interface CollectorDeps {
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  /** Puts the pages on the application; absent: API and intake alone. */
  readonly mountPages?: (app: CollectorApp, answers: Answers) => void
}

export interface Collector {
  /** `http://127.0.0.1:4318`, with the port that was really taken. */
  readonly url: string
  readonly app: CollectorApp
  /** Ends requests under way, then writes what is not written. */
  stop(): Promise<void>
}

/** Requests that are under way at `stop` get this long. */
const DRAIN_MS = 3000

/**
 * Opens the store, listens, and ends a step of time as each is over.
 * @throws MeshscopeError FILE_UNREADABLE, STATE_*, LISTEN_FAILED
 */
export async function startCollector(config: CollectorConfig, deps: CollectorDeps): Promise<Collector> {
  const { log } = deps
  const nowMs = receiveClock(deps.clock)
  const token = config.intake.tokenFile === undefined ? undefined : await readToken(config.intake.tokenFile)
  const journal = openJournal(config.store.folder, log)
  const store = new EmbeddedStore(
    { stepMs: config.store.step, maxSeries: config.store.series },
    journal,
    nowMs(),
  )
  const intake = new Intake(intakeConfig(config), store, nowMs())
  const metrics = makeOwnMetrics(store, intake, deps.version)
  const answers = makeAnswers({
    store,
    agents: () => intake.agents(),
    nowMs,
    agentSilentMs: config.agents.silentAfter,
    counts: intake.counts,
    startedMs: nowMs(),
  })
  const app = buildApp({
    answers,
    intake: { intake, limits: config.intake, token, nowMs, took: metrics.took },
    metrics,
    version: deps.version,
    failed: (error) => {
      log.error("A request failed.", { error: String(error) })
    },
  })
  deps.mountPages?.(app, answers)
  const steps = runSteps(config, { store, intake, nowMs, committed: metrics.committed, log })
  try {
    const { server, url } = await listen(app, config.listen)
    return { url, app, stop: () => stop(server, steps, store, intake) }
  } catch (error) {
    clearInterval(steps)
    store.close()
    throw error
  }
}

function openJournal(folder: string | undefined, log: Log): Journal {
  if (folder === undefined) return memoryJournal(MINUTE_MS)
  try {
    return openSqliteJournal(folder, (sentence) => {
      log.warn(sentence, { code: "STATE_CORRUPT" })
    })
  } catch (error) {
    throw stateFailed("store.folder", error)
  }
}

function intakeConfig(config: CollectorConfig): ConstructorParameters<typeof Intake>[0] {
  return {
    maxAgents: config.agents.most,
    maxSeriesPerAgent: config.agents.series,
    // Two full sends and the time that one may be late.
    gaugeStaleMs: config.agents.resend * 2 + config.agents.silentAfter,
    settleMs: config.agents.resend * 2,
  }
}

interface StepDeps {
  readonly store: EmbeddedStore
  readonly intake: Intake
  readonly nowMs: () => number
  readonly committed: (seconds: number) => void
  readonly log: Log
}

/** Looks several times a step, so that a step ends close to its end. */
function runSteps(config: CollectorConfig, deps: StepDeps): NodeJS.Timeout {
  const { store, intake, nowMs } = deps
  let swept = nowMs()
  let problem: string | undefined
  const look = (): void => {
    const now = nowMs()
    if (now < store.endMs + store.stepMs) return
    const began = performance.now()
    if (now - swept >= MINUTE_MS) {
      intake.sweep(now)
      swept = now
    }
    intake.stage()
    store.advance(now)
    deps.committed((performance.now() - began) / 1000)
    const found = store.health().problem
    if (found !== problem && found !== undefined)
      deps.log.error("The store cannot be written; numbers are kept in memory until it can.", {
        code: "STATE_UNWRITABLE",
        error: found,
      })
    problem = found
  }
  return setInterval(look, Math.min(1000, config.store.step / 10)).unref()
}

async function stop(
  server: ServerType,
  steps: NodeJS.Timeout,
  store: EmbeddedStore,
  intake: Intake,
): Promise<void> {
  clearInterval(steps)
  await new Promise<void>((resolve) => {
    const force = setTimeout(() => {
      if ("closeAllConnections" in server) server.closeAllConnections()
    }, DRAIN_MS)
    server.close(() => {
      clearTimeout(force)
      resolve()
    })
    if ("closeIdleConnections" in server) server.closeIdleConnections()
  })
  intake.stage()
  store.close()
}

/** A slow sender may not hold a connection for ever. */
const SERVER_OPTIONS = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 } as const

function listen(
  app: CollectorApp,
  address: CollectorConfig["listen"],
): Promise<{ server: ServerType; url: string }> {
  const { host, port } = address
  return new Promise((resolve, reject) => {
    const server = serve(
      { fetch: app.fetch, hostname: host, port, serverOptions: SERVER_OPTIONS },
      (taken) => {
        const name = taken.family === "IPv6" ? `[${taken.address}]` : taken.address
        resolve({ server, url: `http://${name}:${taken.port}` })
      },
    )
    server.on("error", (cause: Error) => {
      reject(listenFailed("listen", address, cause))
    })
  })
}
