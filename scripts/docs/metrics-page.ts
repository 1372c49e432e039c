import { AGENT_METRICS } from "#mesh/agent-metrics.ts"
import { COMMON_LABELS, DURATION_BOUNDS, METRICS, type Metric, ROUTE_KEY } from "#mesh/catalogue.ts"
import { HEALTH_RULES } from "#mesh/health.ts"
import { PROBLEM_REASONS } from "#mesh/page-problem.ts"
import { RECOMMENDED_JSON } from "#mesh/recommended-format.ts"
import { DOUBTS } from "#mesh/request.ts"
import {
  AMBIGUOUS,
  AWS,
  PROVENANCES,
  REPORTERS,
  SHARED,
  UNDECLARED,
  UNKNOWN,
  UNMATCHED,
} from "#mesh/resource.ts"
import { code, madeFrom, markdownTable } from "./markdown.ts"
import { codeTable, flagTable, grpcTable } from "./outcome-tables.ts"
import { SOURCE_ROWS, SOURCES } from "./source-table.ts"

/** docs/metrics.md: every metric, how a request gets its outcome, health, and what each source can say. */
export function metricsPage(): string {
  return [
    `# Metrics\n\n${madeFrom("mesh/")}\n`,
    meshMetrics(),
    labels(),
    outcomes(),
    health(),
    `## What each source can say\n\n${markdownTable(["", ...SOURCES], SOURCE_ROWS)}`,
    `## The format that we recommend

As \`logging.accessLog.file.format.json\` of a virtual node or gateway, one key and value each; routes that match on a header want that header as a key of its own beside these. \`GRPC_STATUS_NUMBER\` needs Envoy 1.22.

\`\`\`yaml
${Object.entries(RECOMMENDED_JSON)
  .map(([key, value]) => `- {key: ${key}, value: "${value}"}`)
  .join("\n")}
\`\`\`
`,
    `## The agent's own metrics\n\nCounted since the process began; they carry no common labels. Beside them stand those of the process and of Node (\`process_*\`, \`nodejs_*\`).\n\n${metricTable(Object.values(AGENT_METRICS))}`,
  ].join("\n")
}

function meshMetrics(): string {
  const bounds = DURATION_BOUNDS.map(String).join(", ")
  return `Names are the same in Prometheus, OTLP, the API and the dashboards. Counters and histograms survive restarts of the agent.

A Prometheus that scrapes the agent is shown each new counter and histogram as 0 once, then with its value, so \`increase()\` counts from the first request of a series on ([why, and for whom](decisions/2026-11-21-a-new-counter-starts-at-zero.md)). Anybody else, curl too, sees the value at once.

## Series of the mesh

On every series: ${list(COMMON_LABELS)}. Empty labels are left out. **route key** stands for ${list(ROUTE_KEY)}.

${metricTable(Object.values(METRICS))}
Upper bounds of every duration histogram, in seconds: ${bounds}.
`
}

function metricTable(metrics: readonly Metric[]): string {
  const rows = metrics.map(({ name, type, unit, help, labels: own }) => [
    code(name),
    type,
    code(unit),
    help,
    labelText(own),
  ])
  return markdownTable(["Metric", "Type", "Unit", "Meaning", "Labels"], rows)
}

/** Labels in the order they are written, the route key in one word. */
function labelText(own: readonly string[]): string {
  const start = own.indexOf(ROUTE_KEY[0])
  const whole = ROUTE_KEY.every((label, index) => own[start + index] === label)
  if (start < 0 || !whole) return list(own)
  const parts = [
    ...own.slice(0, start).map(code),
    "route key",
    ...own.slice(start + ROUTE_KEY.length).map(code),
  ]
  return parts.join(", ")
}

function labels(): string {
  const names: readonly (readonly [string, string])[] = [
    [AMBIGUOUS, "routes that differ only in what the access log lacks"],
    [UNMATCHED, "no route of the proxy's table takes the request"],
    [SHARED, "counted from stats, where more than one route leads to the cluster"],
    [
      UNDECLARED,
      "a host that the mesh declares no backend for; of TCP also what Envoy cut because no filter chain of the node's way out takes the port, or the name that TLS asks for",
    ],
    [
      AWS,
      "AWS's own hosts, which no node has to declare; in a log without the cluster only where nothing else may be called on port 443",
    ],
    [UNKNOWN, "a host or cluster that cannot be named"],
  ]
  return `## Values of labels

- \`reporter\`: ${list(REPORTERS)}. Who saw the request: a gateway's ingress, the caller's side, the callee's side. Each reporter sees a request once, so a sum always names one reporter.
- \`provenance\`: ${list(PROVENANCES)}. Whether an access log or the proxy's own counters told it; never both for one proxy and direction, but for TCP that Envoy cuts: it has no log line anywhere, so it is counted from stats in any case.
- \`reason\` of \`${AGENT_METRICS.doubts.name}\`: ${list(DOUBTS)}.
- \`reason\` of \`${METRICS.proxyProblem.name}\`: ${list(PROBLEM_REASONS)}.
- \`origin\` of \`${METRICS.objective.name}\`: \`declared\`, \`default\`. Whether the route declares an objective.

Names in parentheses stand where no resource can be named:

${markdownTable(
  ["Name", "When"],
  names.map(([name, when]) => [code(name), when]),
)}`
}

function outcomes(): string {
  return `## Outcome

Each request has one, decided once. The first rule that applies: a flag that says the caller went away; a flag (or none of a route or cluster, at a sidecar) that says the mesh or the upstream failed; the gRPC status; the HTTP code.
Error ratio = error / (ok + client_error + error). Requests that the caller gave up (\`aborted\`) are in none of them.

Without flags and without a gRPC status:

${codeTable()}
By gRPC status, without flags:

${grpcTable()}
By response flag, for answers of 200, 404 and 503 at a sidecar, and of 404 at a gateway's ingress:

${flagTable()}`
}

function percent(ratio: number): string {
  return `${ratio * 100} %`
}

function health(): string {
  const { degradedErrorRatio, failingErrorRatio, minimumErrors } = HEALTH_RULES
  const rows = [
    [
      "failing",
      `error ratio of at least ${percent(failingErrorRatio)} with at least ${minimumErrors} errors in the window, or no healthy host`,
    ],
    [
      "degraded",
      `error ratio of at least ${percent(degradedErrorRatio)} with at least ${minimumErrors} errors in the window`,
    ],
    [
      "unknown",
      "part of its proxies did not answer (one that nothing can be asked of answers by its lines), or none was ever seen",
    ],
    ["no traffic", "known, no request in the window, and all its proxies answered"],
    ["ok", "the rest"],
  ]
  return `## Health

${markdownTable(
  ["State", "Rule (the first that applies)"],
  rows.map(([state = "", rule = ""]) => [state, rule]),
)}`
}

function list(names: readonly string[]): string {
  return names.length === 0 ? "–" : names.map(code).join(", ")
}
