import { type JsonObject, packed } from "../../demo/control-plane/json.ts"
import type { AnsweredBy, Outcome } from "../../mesh/outcome.ts"
import { UNDECLARED, UNKNOWN, UNMATCHED } from "../../mesh/resource.ts"
import type { Caller } from "./honesty-caller.ts"
import type { Cause, HttpCause, LabRoute, Ours, Seen, Step } from "./honesty-cause.ts"
import { egressName } from "./honesty-clusters.ts"
import {
  HEALTH_PATH,
  HTTP_PORT,
  LATE_PORT,
  LATE_SERVICE,
  LOST_PORT,
  LOST_SERVICE,
  ROUTER,
  SERVICE,
} from "./honesty-names.ts"

const FILTERS = "envoy.extensions.filters.http"
const ALL = { numerator: 100, denominator: "HUNDRED" } as const
const perRoute = (filter: string, type: string, fields: JsonObject): JsonObject => ({
  [filter]: packed(`${FILTERS}.${type}`, fields),
})
const retries = (count: number, more: JsonObject = {}): JsonObject => ({
  retry_policy: { retry_on: "5xx,connect-failure", num_retries: count, ...more },
})

const seen = (code: number, flags: string, details: string): Seen => ({ code, flags, details })
const RESET = "upstream_reset_before_response_started"
const REFUSED = `${RESET}{remote_connection_failure|delayed_connect_error:_Connection_refused}`

/** The row that a request of a declared route has to be in. */
function ours(
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
function onRoute(cause: string, name: string, node: string, way: Way): HttpCause {
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

const asking =
  (path: string, asked = {}): HttpCause["provoke"] =>
  (caller) =>
    caller.ask(path, asked)

const answered: readonly HttpCause[] = [
  onRoute("the application answers 200", "app-200", "app", {
    seen: seen(200, "-", "via_upstream"),
    outcome: "ok",
  }),
  onRoute("the application answers 500", "app-500", "app", {
    seen: seen(500, "-", "via_upstream"),
    outcome: "error",
    flag: "-",
    by: "app",
    provoke: asking("/app-500/?answers=500"),
  }),
  onRoute("503 three times, two retries", "app-503-retried", "app", {
    seen: seen(503, "URX", "via_upstream"),
    outcome: "error",
    flag: "URX",
    by: "app",
    action: retries(2),
    provoke: asking("/app-503-retried/?answers=503"),
  }),
  onRoute("503, then 200 by a retry", "retry-helps", "app", {
    seen: seen(200, "-", "via_upstream"),
    outcome: "ok",
    action: retries(2),
    provoke: asking("/retry-helps/?answers=503,200"),
  }),
  onRoute("answer cut in the middle", "cut-after-headers", "app", {
    seen: seen(200, "UPE", "upstream_reset_after_response_started{protocol_error}"),
    outcome: "error",
    flag: "UPE",
    by: "app",
    provoke: asking("/cut-after-headers/?cut=after"),
  }),
  onRoute("delay injected", "fault-delay", "app", {
    seen: seen(200, "DI", "via_upstream"),
    outcome: "ok",
    filters: perRoute("fault", "fault.v3.HTTPFault", { delay: { fixed_delay: "0.1s", percentage: ALL } }),
  }),
]

const unplaced: readonly HttpCause[] = [
  {
    cause: "no route takes the path",
    provoke: asking("/nowhere"),
    seen: seen(404, "NR", "route_not_found"),
    ours: { ...ours(UNMATCHED, "", "error", "NR", "proxy"), router: "" },
  },
  {
    cause: "no virtual host has the host",
    provoke: asking("/app-200/", { host: "other.local" }),
    seen: seen(404, "NR", "route_not_found"),
    ours: { ...ours(UNMATCHED, "", "error", "NR", "proxy"), service: UNDECLARED, router: "" },
  },
  onRoute("the route's cluster does not exist", "unknown-cluster", "ghost", {
    seen: seen(503, "NC", "cluster_not_found"),
    outcome: "error",
    flag: "NC",
    by: "proxy",
    nowhere: true,
  }),
]

/** One request under way and one that waits for its connection: there is no room for a third. */
async function crowded(caller: Caller): Promise<number> {
  await caller.hold("/breaker-full/")
  void caller.ask("/breaker-full/")
  await risen(caller, `cluster.${egressName("tight")}.upstream_rq_pending_active`, 1)
  return 0
}

/** Waits until a gauge has a value. */
async function risen(caller: Caller, gauge: string, value: number): Promise<void> {
  while (((await caller.stats()).get(gauge) ?? 0) !== value);
}

const unreached: readonly HttpCause[] = [
  onRoute("no endpoints", "no-endpoints", "empty", {
    seen: seen(503, "UH", "no_healthy_upstream"),
    outcome: "error",
    flag: "UH",
    by: "proxy",
  }),
  onRoute("all endpoints unhealthy", "all-unhealthy", "sick", {
    seen: seen(503, "UH", "no_healthy_upstream"),
    outcome: "error",
    flag: "UH",
    by: "proxy",
  }),
  onRoute("connection refused", "refused", "refused", {
    seen: seen(503, "UF", REFUSED),
    outcome: "error",
    flag: "UF",
    by: "proxy",
  }),
  onRoute("connection refused, two retries", "refused-retried", "refused", {
    seen: seen(503, "URX,UF", REFUSED),
    outcome: "error",
    flag: "UF,URX",
    by: "proxy",
    action: retries(2),
  }),
  onRoute("circuit breaker full", "breaker-full", "tight", {
    seen: seen(503, "UO", `${RESET}{overflow}`),
    outcome: "error",
    flag: "UO",
    by: "proxy",
    before: crowded,
    after: async ({ deps }) => {
      deps.apps.release()
      return 2
    },
  }),
  onRoute("cluster drops part of its load", "drop-some", "drop-some", {
    seen: seen(503, "DO", "drop_overload"),
    outcome: "error",
    flag: "DO",
    by: "proxy",
  }),
  onRoute("cluster drops all of its load", "drop-all", "drop-all", {
    seen: seen(503, "UDO", "unconditional_drop_overload"),
    outcome: "error",
    flag: "UDO",
    by: "proxy",
  }),
  {
    cause: "name of the host cannot be resolved",
    provoke: asking("/", { host: LOST_SERVICE, port: LOST_PORT }),
    seen: seen(503, "DF", "dns_resolution_failure{cares_norecords:Domain_name_not_found}"),
    ours: {
      ...ours("lost-route", "lost", "error", "DF", "proxy"),
      service: LOST_SERVICE,
      router: "lost-router",
    },
  },
]

const broken: readonly HttpCause[] = [
  onRoute("connection cut before the answer", "cut-before-headers", "app", {
    seen: seen(503, "UC", `${RESET}{connection_termination}`),
    outcome: "error",
    flag: "UC",
    by: "proxy",
    provoke: asking("/cut-before-headers/?cut=before"),
  }),
  onRoute("upstream does not speak HTTP", "garbage", "garbage", {
    seen: seen(502, "UPE", `${RESET}{protocol_error}`),
    outcome: "error",
    flag: "UPE",
    by: "proxy",
  }),
  onRoute("upstream refuses the HTTP/2 stream", "stream-refused", "http2", {
    seen: seen(503, "UR", `${RESET}{remote_refused_stream_reset}`),
    outcome: "error",
    flag: "UR",
    by: "proxy",
  }),
  onRoute("route's timeout", "route-timeout", "app", {
    seen: seen(504, "UT", "response_timeout"),
    outcome: "error",
    flag: "UT",
    by: "proxy",
    action: { timeout: "0.1s" },
    provoke: asking("/route-timeout/?ms=400"),
  }),
  onRoute("timeout of each of two tries", "try-timeout", "app", {
    seen: seen(504, "URX,UT", "upstream_per_try_timeout"),
    outcome: "error",
    flag: "URX,UT",
    by: "proxy",
    action: retries(1, { per_try_timeout: "0.1s" }),
    provoke: asking("/try-timeout/?ms=400"),
  }),
  onRoute("maximum duration of the stream", "max-duration", "app", {
    seen: seen(504, "-", "max_duration_timeout"),
    outcome: "error",
    flag: "-",
    by: "proxy",
    action: { max_stream_duration: { max_stream_duration: "0.1s" } },
    provoke: asking("/max-duration/?ms=400"),
  }),
  onRoute("stream idle: the request's body never ends", "stream-idle", "app", {
    seen: seen(408, "SI", "stream_idle_timeout"),
    outcome: "client_error",
    flag: "SI",
    by: "proxy",
    action: { idle_timeout: "0.1s" },
    provoke: asking("/stream-idle/?hold=1", { method: "POST", body: "abc", open: true }),
    after: release,
  }),
  onRoute("caller leaves (HTTP/1)", "caller-leaves", "app", {
    seen: seen(0, "DC", "downstream_remote_disconnect"),
    outcome: "aborted",
    flag: "DC",
    by: "proxy",
    provoke: (caller) => caller.leave("/caller-leaves/"),
    after: release,
  }),
  onRoute("caller resets the stream (HTTP/2)", "caller-resets", "app", {
    seen: seen(0, "DR", "http2.remote_reset"),
    outcome: "aborted",
    flag: "DR",
    by: "proxy",
    protocol: "http2",
    provoke: (caller) => caller.resetStream("/caller-resets/"),
    after: release,
  }),
]

/** Answers whatever the application still holds; nobody listens any more. */
async function release({ deps }: Caller): Promise<number> {
  deps.apps.release()
  return 0
}

const RATE: JsonObject = {
  stat_prefix: "rate_limit",
  token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: "60s" },
  filter_enabled: { default_value: ALL },
  filter_enforced: { default_value: ALL },
}

const refused: readonly HttpCause[] = [
  onRoute("fault injected", "fault-abort", "app", {
    seen: seen(503, "FI", "fault_filter_abort"),
    outcome: "error",
    flag: "FI",
    by: "proxy",
    filters: perRoute("fault", "fault.v3.HTTPFault", { abort: { http_status: 503, percentage: ALL } }),
  }),
  onRoute("rate limited", "rate-limit", "app", {
    seen: seen(429, "RL", "local_rate_limited"),
    outcome: "client_error",
    flag: "RL",
    by: "proxy",
    filters: perRoute("rate_limit", "local_ratelimit.v3.LocalRateLimit", RATE),
    before: async (caller) => {
      await caller.ask("/rate-limit/")
      return 1
    },
  }),
  onRoute("access control refuses", "rbac", "app", {
    seen: seen(403, "-", "rbac_access_denied_matched_policy[none]"),
    outcome: "client_error",
    flag: "-",
    by: "proxy",
    filters: perRoute("rbac", "rbac.v3.RBACPerRoute", { rbac: { rules: { action: "ALLOW", policies: {} } } }),
  }),
  onRoute("authorization service down", "authz-down", "app", {
    seen: seen(403, "UAEX", "ext_authz_error"),
    outcome: "client_error",
    flag: "UAEX",
    by: "proxy",
    filters: perRoute("authz", "ext_authz.v3.ExtAuthzPerRoute", { check_settings: {} }),
  }),
  onRoute("request too large", "too-large", "app", {
    seen: seen(413, "-", "request_payload_too_large"),
    outcome: "client_error",
    flag: "-",
    by: "proxy",
    filters: perRoute("buffer", "buffer.v3.BufferPerRoute", { buffer: { max_request_bytes: 10 } }),
    provoke: asking("/too-large/", { method: "POST", body: "x".repeat(50) }),
  }),
  onRoute("Envoy answers directly", "direct", "app", {
    seen: seen(200, "-", "direct_response"),
    outcome: "ok",
    nowhere: true,
    more: { direct_response: { status: 200, body: { inline_string: "hi" } } },
  }),
  onRoute("Envoy redirects", "redirect", "app", {
    seen: seen(301, "-", "direct_response"),
    outcome: "ok",
    nowhere: true,
    more: { redirect: { path_redirect: "/app-200/" } },
  }),
  onRoute("overload manager", "overload", "app", {
    seen: seen(503, "-", "overload"),
    outcome: "error",
    flag: "-",
    by: "proxy",
    nowhere: true,
    before: pressed(1),
    after: pressed(0),
  }),
  {
    cause: "a filter's configuration never came",
    provoke: asking("/", { host: LATE_SERVICE, port: LATE_PORT }),
    seen: seen(500, "NFCF", ""),
    ours: {
      ...ours("late-route", "late", "error", "NFCF", "proxy"),
      service: LATE_SERVICE,
      router: "late-router",
    },
  },
  {
    cause: "own health check failing",
    provoke: (caller) => caller.ask(HEALTH_PATH, { address: caller.deps.ingress }),
    before: async (caller) => {
      await caller.post("/healthcheck/fail")
      return 0
    },
    after: async (caller) => {
      await caller.post("/healthcheck/ok")
      return 0
    },
    seen: seen(503, "LH", "health_check_failed"),
    ours: { ...ours("", "caller", "error", "LH", "proxy"), reporter: "destination", service: "", router: "" },
  },
]

/** Sets the injected resource and waits until the overload action follows. */
function pressed(value: number): Step {
  return async (caller) => {
    await caller.deps.pressure(value)
    await risen(caller, "overload.envoy.overload_actions.stop_accepting_requests.active", value)
    return 0
  }
}

const UNPLACED: Ours = {
  ...ours(UNMATCHED, "", "client_error", "DPE", "proxy"),
  service: UNDECLARED,
  router: "",
}
const broke = (cause: string, bytes: string, code: number, details: string): HttpCause => ({
  cause,
  provoke: (caller) => caller.raw(HTTP_PORT, bytes),
  seen: seen(code, "DPE", details),
  ours: UNPLACED,
})

const malformed: readonly HttpCause[] = [
  broke("not HTTP", "this is not http\r\n\r\n", 400, "http1.codec_error"),
  broke("unknown version of HTTP", `GET /app-200/ HTTP/9.9\r\nhost: ${SERVICE}\r\n\r\n`, 426, "low_version"),
  broke("HTTP/1.0", `GET /app-200/ HTTP/1.0\r\nhost: ${SERVICE}\r\n\r\n`, 426, "low_version"),
  broke(
    "headers too large",
    `GET /app-200/ HTTP/1.1\r\nhost: ${SERVICE}\r\nx: ${"a".repeat(70_000)}\r\n\r\n`,
    431,
    "http1.headers_too_large",
  ),
  broke(
    "line feed in a header",
    `GET /app-200/ HTTP/1.1\r\nhost: ${SERVICE}\r\nx: a\nb\r\n\r\n`,
    400,
    "http1.codec_error",
  ),
  {
    cause: "no host",
    provoke: (caller) => caller.raw(HTTP_PORT, "GET /app-200/ HTTP/1.1\r\n\r\n"),
    seen: seen(400, "-", "missing_host_header"),
    ours: { ...UNPLACED, flag: "-" },
  },
]

const DURATION = { max_downstream_connection_duration: "0.1s" } as const

const connections: readonly Cause[] = [
  {
    cause: "TCP: fine",
    tcp: { service: "tcp-fine.lab.local", node: "tcp-fine", port: 9100 },
    provoke: (caller) => caller.raw(9100, "x", "close"),
    seen: seen(0, "-", "-"),
    oursTcp: { service: "tcp-fine.lab.local", node: "tcp-fine", outcome: "ok" },
  },
  {
    cause: "TCP: refused",
    tcp: { service: "tcp-refused.lab.local", node: "tcp-refused", port: 9101 },
    provoke: (caller) => caller.raw(9101, "x", "close"),
    seen: seen(0, "UF,URX", "-"),
    oursTcp: { service: "tcp-refused.lab.local", node: "tcp-refused", outcome: "error" },
  },
  {
    cause: "TCP: no endpoints",
    tcp: { service: "tcp-empty.lab.local", node: "tcp-empty", port: 9102 },
    provoke: (caller) => caller.raw(9102, "x", "close"),
    seen: seen(0, "UH", "-"),
    oursTcp: { service: "tcp-empty.lab.local", node: "tcp-empty", outcome: "error" },
  },
  {
    cause: "TCP: maximum duration",
    tcp: { service: "tcp-long.lab.local", node: "tcp-long", port: 9103, more: DURATION },
    provoke: (caller) => caller.raw(9103, "", "close"),
    seen: seen(0, "DT", "-"),
    oursTcp: { service: "tcp-long.lab.local", node: "tcp-long", outcome: "error" },
  },
  {
    cause: "TCP: no filter chain",
    tcp: { service: "", node: "", port: 9104, chainless: true },
    provoke: (caller) => caller.raw(9104, "x", "close"),
    seen: seen(0, "NR", "filter_chain_not_found"),
    oursTcp: { service: UNKNOWN, node: UNKNOWN, outcome: "error" },
  },
]

/** Every cause, in the order of the page. */
export const CAUSES: readonly Cause[] = [
  ...answered,
  ...unplaced,
  ...unreached,
  ...broken,
  ...refused,
  ...malformed,
  ...connections,
]
export const isTcp = (cause: Cause): cause is Extract<Cause, { tcp: unknown }> => "tcp" in cause
