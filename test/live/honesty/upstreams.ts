import type { Caller } from "./caller.ts"
import type { HttpCause } from "./cause.ts"
import { egressName } from "./clusters.ts"
import { LOST_PORT, LOST_SERVICE } from "./names.ts"
import { asking, onRoute, ours, REFUSED, RESET, retries, risen, seen } from "./way.ts"

/** One request under way and one that waits for its connection: there is no room for a third. */
async function crowded(caller: Caller): Promise<number> {
  await caller.hold("/breaker-full/")
  void caller.ask("/breaker-full/")
  await risen(caller, `cluster.${egressName("tight")}.upstream_rq_pending_active`, 1)
  return 0
}

export const unreached: readonly HttpCause[] = [
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

export const broken: readonly HttpCause[] = [
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
