import type { JsonObject } from "../../../demo/control-plane/json.ts"
import { UNDECLARED, UNMATCHED } from "../../../mesh/resource.ts"
import type { HttpCause, Ours, Step } from "./cause.ts"
import { HEALTH_PATH, HTTP_PORT, LATE_PORT, LATE_SERVICE, SERVICE } from "./names.ts"
import { ALL, asking, onRoute, ours, perRoute, risen, seen } from "./way.ts"

const RATE: JsonObject = {
  stat_prefix: "rate_limit",
  token_bucket: { max_tokens: 1, tokens_per_fill: 1, fill_interval: "60s" },
  filter_enabled: { default_value: ALL },
  filter_enforced: { default_value: ALL },
}

export const refused: readonly HttpCause[] = [
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

export const malformed: readonly HttpCause[] = [
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
