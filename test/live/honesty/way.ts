import { type JsonObject, packed } from "../../../demo/control-plane/json.ts"
import type { AnsweredBy, Outcome } from "../../../mesh/outcome.ts"
import type { Caller } from "./caller.ts"
import type { HttpCause, LabRoute, Ours, Seen, Step } from "./cause.ts"
import { ROUTER, SERVICE } from "./names.ts"

const FILTERS = "envoy.extensions.filters.http"
export const ALL = { numerator: 100, denominator: "HUNDRED" } as const
export const perRoute = (filter: string, type: string, fields: JsonObject): JsonObject => ({
  [filter]: packed(`${FILTERS}.${type}`, fields),
})
export const retries = (count: number, more: JsonObject = {}): JsonObject => ({
  retry_policy: { retry_on: "5xx,connect-failure", num_retries: count, ...more },
})

export const seen = (code: number, flags: string, details: string): Seen => ({ code, flags, details })
export const RESET = "upstream_reset_before_response_started"
export const REFUSED = `${RESET}{remote_connection_failure|delayed_connect_error:_Connection_refused}`

/** The row that a request of a declared route has to be in. */
export function ours(
  route: string,
  node: string,
  outcome: Outcome,
  flag = "",
  answeredBy: AnsweredBy | "" = "",
): Ours {
  return {
    reporter: "source",
    service: SERVICE,
    router: ROUTER,
    route,
    node,
    protocol: "http",
    outcome,
    flag,
    answeredBy,
  }
}

interface Way {
  readonly seen: Seen
  readonly outcome: Outcome
  readonly flag?: string
  readonly by?: AnsweredBy
  readonly action?: JsonObject
  readonly filters?: JsonObject
  readonly more?: JsonObject
  /** The request never got as far as a node. */
  readonly nowhere?: true
  readonly provoke?: HttpCause["provoke"]
  readonly before?: Step
  readonly after?: Step
  readonly protocol?: Ours["protocol"]
}

/** A cause on the declared route `name`, which leads to `node`. */
export function onRoute(cause: string, name: string, node: string, way: Way): HttpCause {
  const { action, more, filters } = way
  const route: LabRoute = {
    name,
    node,
    ...(action === undefined ? {} : { action }),
    ...(more === undefined ? {} : { more }),
    ...(filters === undefined ? {} : { filters }),
  }
  const row = ours(name, way.nowhere === true ? "" : node, way.outcome, way.flag, way.by)
  return {
    cause,
    route,
    provoke: way.provoke ?? ((caller) => caller.ask(`/${name}/`)),
    ...(way.before === undefined ? {} : { before: way.before }),
    ...(way.after === undefined ? {} : { after: way.after }),
    seen: way.seen,
    ours: { ...row, protocol: way.protocol ?? "http" },
  }
}

export const asking =
  (path: string, asked = {}): HttpCause["provoke"] =>
  (caller) =>
    caller.ask(path, asked)
/** Waits until a gauge has a value. */
export async function risen(caller: Caller, gauge: string, value: number): Promise<void> {
  while (((await caller.stats()).get(gauge) ?? 0) !== value);
}
