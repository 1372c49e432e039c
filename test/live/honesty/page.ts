import type { Seen } from "./cause.ts"
import { type Counted, ratio } from "./counters.ts"

/** One cause as it was seen and counted in this run. */
export interface Told {
  readonly cause: string
  readonly tcp: boolean
  readonly seen: Seen
  /** Of the agent's snapshot; route with what stands where no route can be named. */
  readonly ours: {
    readonly route: string
    readonly outcome: string
    readonly flag: string
    readonly answeredBy: string
  }
  readonly counted: Counted
}

const INTRODUCTION = `# What an error rate misses

Made by \`test/live/honesty/honesty.test.ts\`, which provokes each cause once on a real Envoy that is configured as App Mesh
configured its Envoys, with the agent reading its log. Do not edit: the test writes this page, and fails when it differs.

**Ours** is what \`mesh_requests_total\` and \`mesh_request_failures_total\` (for TCP \`mesh_tcp_connections_closed_total\`)
rose by. **Listener** is Envoy's \`http.<listener>.downstream_rq_<n>xx\`. **Clusters** is \`upstream_rq_total\` and
\`upstream_rq_<n>xx\` over all clusters. The last column is the usual ratio \`upstream_rq_5xx / upstream_rq_total\`, as it
would be if nothing but this one request happened.
`

const EXPLANATION = `## How to read it

- A reply that Envoy makes before it picks a host (no route, unknown cluster, fault, rate limit, access control, overload,
  broken HTTP) leaves no trace in cluster counters: a total outage of that kind reads as silence.
- Where the host was never reached (no endpoints, refused, breaker full) an error is counted but no request: the ratio has
  nothing to divide by, and rises above 100 % as soon as other requests are few.
- \`upstream_rq_total\` counts tries, \`upstream_rq_5xx\` answers: retries make a failing route look better than it is.
- A body that was cut in the middle is a 2xx everywhere but in the access log.
- A caller who leaves is in no class of the listener, and in no class of the cluster.
- The listener's counters see most of it, but have no route, and no cause.
- We count each request once, from the access log: \`aborted\` is not part of the error rate, \`client_error\` is part of its
  denominator alone. \`app\` means that the upstream answered, \`proxy\` that this Envoy did.
`

/** The whole page. Deterministic: no times, no addresses. */
export function honestyPage(told: readonly Told[]): string {
  const http = told.filter(({ tcp }) => !tcp)
  const tcp = told.filter((one) => one.tcp)
  return [
    INTRODUCTION,
    table(
      [
        "Cause",
        "Code, flags, details",
        "Ours: route",
        "outcome",
        "flag",
        "answered by",
        "Listener",
        "Clusters",
        "Error rate by clusters",
      ],
      http.map(httpRow),
    ),
    totals(http),
    "## TCP\n",
    table(
      ["Cause", "Flags, details", "Ours: service → node", "outcome"],
      tcp.map(({ cause, seen, ours }) => [cause, saw(seen, false), ours.route, ours.outcome]),
    ),
    EXPLANATION,
  ].join("\n")
}

function httpRow({ cause, seen, ours, counted }: Told): string[] {
  const clusters =
    counted.total === 0 && counted.classes === ""
      ? "–"
      : `total ${counted.total}${counted.classes === "" ? "" : `, ${counted.classes}`}`
  return [
    cause,
    saw(seen, true),
    code(ours.route),
    ours.outcome,
    ours.flag === "" ? "" : code(ours.flag),
    ours.answeredBy,
    counted.listener || "–",
    clusters,
    ratio(counted.errors, counted.total),
  ]
}

const code = (text: string): string => (text === "" ? "–" : `\`${text}\``)
const saw = ({ code: status, flags, details }: Seen, http: boolean): string =>
  `${http ? `${status} ` : ""}${code(flags)}${details === "-" ? "" : ` ${code(details.replaceAll("|", "\\|"))}`}`

function totals(told: readonly Told[]): string {
  const by = (outcome: string): number => told.filter(({ ours }) => ours.outcome === outcome).length
  const errors = told.reduce((sum, { counted }) => sum + counted.errors, 0)
  const total = told.reduce((sum, { counted }) => sum + counted.total, 0)
  const part = by("error")
  const all = part + by("ok") + by("client_error")
  return [
    `All ${told.length} requests together: ${by("ok")} ok, ${by("client_error")} client errors, ${part} errors, ${by("aborted")} aborted,`,
    `so the error rate is ${ratio(part, all)}. By cluster counters it is ${ratio(errors, total)}.\n`,
  ].join("\n")
}

const line = (cells: readonly string[]): string => `| ${cells.join(" | ")} |`

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  return `${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`
}
