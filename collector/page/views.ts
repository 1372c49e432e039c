import type { WindowName } from "../view/answer.ts"
import type { GraphView } from "../view/graph.ts"
import type { ProxiesView } from "../view/proxies.ts"
import type { RouteDetailView } from "../view/route-detail.ts"
import type { RouteSort, RoutesView } from "../view/routes.ts"
import type { SummaryView } from "../view/summary.ts"
import type { UnmappedView } from "../view/unmapped.ts"

/** Mesh undefined: all of them. */
export interface ViewQuery {
  readonly mesh: string | undefined
  readonly window: WindowName
}

/** What the pages ask; the same functions answer the API. */
export interface Views {
  /** Changes whenever an answer may: the pages' ETag. */
  readonly generation: () => string
  readonly summary: (query: ViewQuery) => SummaryView
  readonly graph: (query: ViewQuery) => GraphView
  readonly routes: (query: ViewQuery & { readonly sort: RouteSort }) => RoutesView
  /** undefined: no such route. */
  readonly route: (
    id: string,
    query: ViewQuery & { readonly caller: string | undefined; readonly target: string | undefined },
  ) => RouteDetailView | undefined
  readonly proxies: (query: ViewQuery) => ProxiesView
  readonly unmapped: (query: ViewQuery) => UnmappedView
}
