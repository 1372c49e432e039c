import type { Metric } from "./catalogue.ts"

/**
 * What the agent tells of itself. Not series of the mesh: no common labels, counted since the process began.
 * Values of labels are words of ours, never what a pod wrote.
 */
export const AGENT_METRICS = {
  buildInfo: {
    name: "mesh_agent_build_info",
    type: "gauge",
    unit: "1",
    help: "1, with what runs.",
    labels: ["version", "node"],
  },
  targets: {
    name: "mesh_agent_targets",
    type: "gauge",
    unit: "{target}",
    help: "Proxies that discovery found, by state: up, down, unmapped (answers, but no resource is known for it), waiting.",
    labels: ["state"],
  },
  discoveryFailures: {
    name: "mesh_agent_discovery_failures_total",
    type: "counter",
    unit: "{failure}",
    help: "Looks of discovery that failed; the last full set of targets stayed.",
    labels: ["discovery"],
  },
  scrapes: {
    name: "mesh_agent_scrapes_total",
    type: "counter",
    unit: "{scrape}",
    help: "Admin pages asked for, by page and result: ok, unreachable, refused, timeout, too_large, bad_answer.",
    labels: ["page", "result"],
  },
  scrapeBytes: {
    name: "mesh_agent_scrape_bytes_total",
    type: "counter",
    unit: "By",
    help: "Bytes of admin pages read.",
    labels: ["page"],
  },
  scrapeDuration: {
    name: "mesh_agent_scrape_duration_seconds",
    type: "histogram",
    unit: "s",
    help: "From asking for an admin page to its last byte.",
    labels: ["page"],
  },
  files: {
    name: "mesh_agent_log_files",
    type: "gauge",
    unit: "{file}",
    help: "Log files that are being followed.",
    labels: [],
  },
  filesBehind: {
    name: "mesh_agent_log_behind_bytes",
    type: "gauge",
    unit: "By",
    help: "Bytes of log files that were written and not read yet.",
    labels: [],
  },
  logBytes: {
    name: "mesh_agent_log_bytes_total",
    type: "counter",
    unit: "By",
    help: "Bytes of log files read.",
    labels: [],
  },
  lines: {
    name: "mesh_agent_lines_read_total",
    type: "counter",
    unit: "{line}",
    help: "Log lines read, by kind: access, proxy (Envoy's own log), other.",
    labels: ["kind"],
  },
  accounted: {
    name: "mesh_agent_lines_accounted_total",
    type: "counter",
    unit: "{line}",
    help: "Access lines that were counted for a reporter, by kind: request, tcp, health_check.",
    labels: ["kind"],
  },
  dropped: {
    name: "mesh_agent_dropped_total",
    type: "counter",
    unit: "{item}",
    help: "What was given up, by stage (tail, decode, account, publish) and reason.",
    labels: ["stage", "reason"],
  },
  doubts: {
    name: "mesh_agent_doubts_total",
    type: "counter",
    unit: "{line}",
    help: "Access lines that could not be given to one reporter, resource or reading, by reason.",
    labels: ["reason"],
  },
  series: {
    name: "mesh_agent_series",
    type: "gauge",
    unit: "{series}",
    help: "Series in the ledger.",
    labels: [],
  },
  seriesLimit: {
    name: "mesh_agent_series_limit",
    type: "gauge",
    unit: "{series}",
    help: "Most series that the ledger keeps.",
    labels: [],
  },
  overflow: {
    name: "mesh_agent_series_overflow_total",
    type: "counter",
    unit: "{series}",
    help: "Series asked for above the limit; their numbers went into an overflow series.",
    labels: [],
  },
  badAmounts: {
    name: "mesh_agent_bad_amounts_total",
    type: "counter",
    unit: "{amount}",
    help: "Amounts that were negative or no number, and were not counted.",
    labels: [],
  },
  commits: {
    name: "mesh_agent_commits_total",
    type: "counter",
    unit: "{commit}",
    help: "Commits of positions and counters, by result: ok, failed.",
    labels: ["result"],
  },
  commitTime: {
    name: "mesh_agent_commit_seconds_total",
    type: "counter",
    unit: "s",
    help: "Time that commits took.",
    labels: [],
  },
  commitLast: {
    name: "mesh_agent_last_commit_seconds",
    type: "gauge",
    unit: "s",
    help: "Time that the last commit took.",
    labels: [],
  },
  frozen: {
    name: "mesh_agent_state_frozen",
    type: "gauge",
    unit: "1",
    help: "1 while the state cannot be written; published numbers stand still.",
    labels: [],
  },
  exports: {
    name: "mesh_agent_exports_total",
    type: "counter",
    unit: "{request}",
    help: "Requests written to a sink, by what became of them: accepted, retry, rejected.",
    labels: ["sink", "result"],
  },
  exportRecords: {
    name: "mesh_agent_export_records_total",
    type: "counter",
    unit: "{record}",
    help: "Lines, spans and points for a sink, by result: accepted, rejected (by the sink or its receiver), dropped.",
    labels: ["sink", "result"],
  },
  exportDropped: {
    name: "mesh_agent_export_dropped_total",
    type: "counter",
    unit: "{record}",
    help: "Lines, spans and points that will not reach a sink, by reason: overflow, disk, damaged, shutdown, unsplit, or the sink's own word for what it refused.",
    labels: ["sink", "reason"],
  },
  exportRetries: {
    name: "mesh_agent_export_retries_total",
    type: "counter",
    unit: "{request}",
    help: "Answers after which all or a part of a request is sent again.",
    labels: ["sink"],
  },
  queueRecords: {
    name: "mesh_agent_queue_records",
    type: "gauge",
    unit: "{record}",
    help: "Lines, spans and points that wait for a sink.",
    labels: ["sink"],
  },
  queueAge: {
    name: "mesh_agent_queue_oldest_seconds",
    type: "gauge",
    unit: "s",
    help: "How long ago what waits longest for a sink happened; 0 when nothing waits.",
    labels: ["sink"],
  },
  queueBytes: {
    name: "mesh_agent_queue_bytes",
    type: "gauge",
    unit: "By",
    help: "Bytes that wait for a sink.",
    labels: ["sink"],
  },
  queueLimit: {
    name: "mesh_agent_queue_limit_bytes",
    type: "gauge",
    unit: "By",
    help: "Most bytes that may wait for a sink.",
    labels: ["sink"],
  },
  cloudwatchMetrics: {
    name: "mesh_agent_cloudwatch_metrics",
    type: "gauge",
    unit: "{metric}",
    help: "Metrics of CloudWatch that this agent tells: those that have a place under the cap now, and the distinct ones of this month.",
    labels: ["of"],
  },
  cloudwatchLimit: {
    name: "mesh_agent_cloudwatch_metrics_limit",
    type: "gauge",
    unit: "{metric}",
    help: "Most metrics of CloudWatch that this agent tells in an hour or month.",
    labels: [],
  },
  cloudwatchFolded: {
    name: "mesh_agent_cloudwatch_folded",
    type: "gauge",
    unit: "{group}",
    help: "Routes, nodes and the like that have no metrics of their own in CloudWatch, since the cap is reached: they are summed as (overflow). By set: who reports, and the dimensions.",
    labels: ["set"],
  },
  exposureDuration: {
    name: "mesh_agent_exposition_duration_seconds",
    type: "histogram",
    unit: "s",
    help: "Rendering the page for Prometheus.",
    labels: [],
  },
  logSuppressed: {
    name: "mesh_agent_log_suppressed_total",
    type: "counter",
    unit: "{line}",
    help: "Lines of the agent's own log that were held back, since the same was said just before.",
    labels: ["level"],
  },
} as const satisfies Readonly<Record<string, Metric>>
export type AgentMetricKey = keyof typeof AGENT_METRICS
/** Label names of one of the agent's metrics. */
export type AgentLabels<K extends AgentMetricKey> = Readonly<
  Record<(typeof AGENT_METRICS)[K]["labels"][number], string>
>
/** Keys of the metrics of one type. */
export type AgentKeyOf<T extends Metric["type"]> = {
  [K in AgentMetricKey]: (typeof AGENT_METRICS)[K]["type"] extends T ? K : never
}[AgentMetricKey]
