import type { Clock } from "#mesh/clock.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { stateFailed } from "#mesh/system-reason.ts"
import { plainListener, secureListener } from "./access/listener.ts"
import { openAdmission } from "./access/open-admission.ts"
import type { CollectorApp } from "./api/api.ts"
import { registerModel } from "./api/model-metrics.ts"
import { makeOwnMetrics } from "./api/own-metrics.ts"
import { makeReviewCounts } from "./api/review-metrics.ts"
import { buildApp } from "./app.ts"
import type { CollectorConfig } from "./config.ts"
import { Intake } from "./ingest/intake.ts"
import type { Log } from "./log.ts"
import { ModelHome } from "./model/home.ts"
import { modelSources } from "./model/sources.ts"
import { receiveClock } from "./receive-clock.ts"
import { listen } from "./server.ts"
import { EmbeddedStore, MINUTE_MS } from "./store/embedded-store.ts"
import { type Journal, memoryJournal } from "./store/journal.ts"
import { openSqliteJournal } from "./store/sqlite-journal.ts"
import { type Answers, makeAnswers } from "./view/answers.ts"
import { NO_DECLARED_MODEL } from "./view/declared-model.ts"

export interface CollectorDeps {
  readonly clock: Clock
  readonly log: Log
  readonly version: string
  /** Tells a pod where its API server is. */
  readonly env: Environment
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

/**
 * Opens the store, listens, and ends a step of time as each is over.
 * @throws MeshscopeError FILE_UNREADABLE, CONFIG_*, STATE_*, LISTEN_FAILED
 */
export async function startCollector(config: CollectorConfig, deps: CollectorDeps): Promise<Collector> {
  const { log, clock } = deps
  const nowMs = receiveClock(clock)
  const listener = config.tls === undefined ? plainListener : await secureListener(config.tls, deps)
  const reviews = makeReviewCounts()
  const admission = await openAdmission(config.intake, { ...deps, reviewed: reviews.count })
  const sources = config.model === undefined ? undefined : modelSources(config.model, deps)
  const journal = openJournal(config.store.folder, log)
  const store = new EmbeddedStore(
    { stepMs: config.store.step, maxSeries: config.store.series },
    journal,
    nowMs(),
  )
  const intake = new Intake(intakeConfig(config), store, nowMs())
  const cluster = config.model?.cluster ?? ""
  const home = sources && new ModelHome(sources, { clock, log, store, nowMs, cluster })
  const metrics = makeOwnMetrics(store, intake, deps.version)
  reviews.register(metrics.registry)
  if (home !== undefined) registerModel(metrics.registry, home)
  const answers = makeAnswers({
    store,
    agents: () => intake.agents(),
    nowMs,
    agentSilentMs: config.agents.silentAfter,
    counts: intake.counts,
    startedMs: nowMs(),
    model: () => home?.view() ?? NO_DECLARED_MODEL,
  })
  const app = buildApp({
    answers,
    intake: { intake, limits: config.intake, admission, nowMs, took: metrics.took },
    model: { admission, home },
    metrics,
    version: deps.version,
    failed: (error) => {
      log.error("A request failed.", { error: String(error) })
    },
  })
  deps.mountPages?.(app, answers)
  const steps = runSteps(config, { store, intake, nowMs, committed: metrics.committed, log })
  home?.start()
  const close = async (): Promise<void> => {
    clearInterval(steps)
    await home?.stop()
    intake.stage()
    store.close()
  }
  try {
    const server = await listen(app, config.listen, listener)
    return {
      url: server.url,
      app,
      async stop() {
        clearInterval(steps)
        await server.stop()
        await close()
      },
    }
  } catch (error) {
    await close()
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
