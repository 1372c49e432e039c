import type { PointCounts } from "../ingest/intake.ts"
import { WINDOWS, type WindowName } from "./answer.ts"
import { type Board, boardOf } from "./board.ts"
import { type CollectorHealthView, collectorHealthView } from "./collector-health.ts"
import type { DeclaredModelView } from "./declared-model.ts"
import { type ErrorRatiosAnswer, errorRatios } from "./error-ratios.ts"
import { type GraphView, graphView } from "./graph.ts"
import { type ProxiesView, proxiesView } from "./proxies.ts"
import { type ReadingDeps, read } from "./reading.ts"
import { type ResourcesView, resourcesView } from "./resources.ts"
import { type RouteDetailView, routeDetailView } from "./route-detail.ts"
import { type RouteFilter, readRoute } from "./route-reading.ts"
import { type RoutesQuestion, type RoutesView, routesView } from "./routes.ts"
import { meshesOf, type SummaryView, summaryView } from "./summary.ts"
import { type UnmappedView, unmappedView } from "./unmapped.ts"

/** `mesh` undefined: all meshes. */
export interface Question {
  readonly mesh: string | undefined
  readonly window: WindowName
}

export interface Page {
  readonly offset: number
  readonly limit: number
}

export interface AnswersDeps extends ReadingDeps {
  readonly counts: PointCounts
  readonly startedMs: number
  /** What the collector itself knows of the declared model, now. */
  readonly model: () => DeclaredModelView
}

/** What API and pages ask. Answers of one generation are equal, so that it can be their ETag. */
export interface Answers {
  /** Changes whenever an answer may; differs over restarts. */
  generation(): string
  /** Names of all meshes that are known; two of one name may stand side by side during a migration. */
  meshes(window: WindowName): Promise<readonly string[]>
  summary(question: Question): Promise<SummaryView>
  resources(question: Question): Promise<ResourcesView>
  routes(question: Question & RoutesQuestion): Promise<RoutesView>
  /** undefined: no such route. */
  route(id: string, question: Question & RouteFilter): Promise<RouteDetailView | undefined>
  graph(question: Question): Promise<GraphView>
  proxies(question: Question & Page): Promise<ProxiesView>
  unmapped(question: Question): Promise<UnmappedView>
  errorRatios(question: Question, stepMs: number): Promise<ErrorRatiosAnswer>
  health(): Promise<CollectorHealthView>
  model(): DeclaredModelView
}

/** Boards that are kept for one generation: windows times the meshes that people look at. */
const MOST_BOARDS = 32

export function makeAnswers(deps: AnswersDeps): Answers {
  const started = deps.startedMs.toString(36)
  let boards = new Map<string, Promise<Board>>()
  let of = -1
  const board = ({ mesh, window }: Question): Promise<Board> => {
    if (of !== deps.store.generation || boards.size >= MOST_BOARDS) boards = new Map()
    of = deps.store.generation
    const key = `${window}\u0000${mesh ?? ""}`
    const known = boards.get(key)
    if (known !== undefined) return known
    const made = read(deps, WINDOWS[window] * 1000, mesh ?? null).then(boardOf)
    boards.set(key, made)
    return made
  }
  return {
    generation: () => `${started}.${deps.store.generation}`,
    meshes: async (window) => {
      const all = meshesOf(await board({ mesh: undefined, window }))
      return [...new Set(all.map(({ mesh }) => mesh))].filter((mesh) => mesh !== "")
    },
    summary: async (question) => summaryView(await board(question), deps.model()),
    resources: async (question) => resourcesView(await board(question)),
    routes: async (question) => routesView(await board(question), question),
    route: async (id, question) => {
      const from = await board(question)
      const row = from.rows.find((each) => each.id === id)
      if (row === undefined) return undefined
      return routeDetailView(
        from,
        row,
        await readRoute(deps.store, row, WINDOWS[question.window] * 1000, question, from.reading.knownFromMs),
      )
    },
    graph: async (question) => graphView(await board(question)),
    proxies: async (question) => proxiesView(await board(question), question.offset, question.limit),
    unmapped: async (question) => unmappedView(await board(question)),
    errorRatios: ({ mesh, window }, stepMs) =>
      errorRatios(deps.store, mesh ?? null, WINDOWS[window] * 1000, stepMs),
    model: deps.model,
    health: async () =>
      collectorHealthView(await board({ mesh: undefined, window: "5m" }), deps.counts, deps.startedMs),
  }
}
