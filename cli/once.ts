import type { OnceProxy, OnceReport, OnceRequests } from "#mesh/once-report.ts"
import { plainJson, plainText } from "#mesh/plain-text.ts"
import { SPAN_WAYS, type SpanWayKind, spanWayKinds } from "#mesh/span-way.ts"
import { agentSetup, CONFIG_FLAG } from "./agent-config.ts"
import { type Command, widthOf } from "./command.ts"
import { percent } from "./number-text.ts"
import { routeText } from "./route-text.ts"
import { type Column, textTable } from "./text-table.ts"
import { wrappedText } from "./wrapped-text.ts"

export const onceCommand: Command = {
  name: "once",
  summary: "Read everything there is once, show what was found, and end.",
  synopsis: "--config FILE [--json]",
  about:
    "Reads each proxy's admin pages and log files from their beginning. Keeps no state and sends nothing.\nShows what a running agent would publish: which proxies it knows, which way their spans would go, and requests per route. Ends with 1 when a proxy could not be read.",
  options: [CONFIG_FLAG, { name: "json", help: "Print JSON in place of tables." }],
  examples: [
    "meshscope once --config examples/agent.yaml",
    "meshscope once -c agent.yaml --json | jq '.proxies[] | select(.ok | not)'",
  ],
  positionals: { least: 0, most: 0, name: "no further word" },
  async run(args, terminal) {
    const { config, log } = await agentSetup(args, onceCommand, terminal)
    const { readOnce } = await import("../agent/main.ts")
    const report = await readOnce(config, { clock: terminal.clock, log, signal: terminal.signal })
    if (terminal.signal.aborted) return "interrupted"
    const json = args.switches.has("json")
    terminal.out(
      json ? `${plainJson(JSON.stringify(report, undefined, 2))}\n` : onceText(report, widthOf(terminal)),
    )
    return report.proxies.every(({ ok }) => ok) ? "ok" : "failed"
  },
}

/** The report as tables for a terminal that is so wide. */
export function onceText({ proxies, requests, lines, takesSpans }: OnceReport, width?: number): string {
  const astray = takesSpans ? astrayNotes(proxies).map((note) => `${wrappedText(note, width)}\n`) : []
  const parts = [
    proxies.length === 0 ? NO_PROXY : proxyTable(proxies, width),
    ...(astray.length === 0 ? [] : [astray.join("")]),
    requests.length === 0 ? "No requests were seen.\n" : requestTable(requests, width),
  ]
  const lost = [...Object.entries(lines.dropped), ...Object.entries(lines.doubts)]
    .filter(([, count]) => count > 0)
    .map(([reason, count]) => `${count} ${plainText(reason)}`)
  const besides = lost.length === 0 ? "" : `; ${lost.join(", ")}`
  return `${parts.join("\n")}\n${lines.read} lines read, ${lines.accounted} accounted${besides}\n`
}

const NO_PROXY =
  "No proxy was found. `meshscope doctor` looks for what is missing; docs/install.md says by what a proxy is known.\n"

/** Ways on which spans miss an agent that waits for them. */
const ASTRAY: readonly SpanWayKind[] = ["own-pod", "elsewhere"]

function astrayNotes(proxies: readonly OnceProxy[]): string[] {
  return ASTRAY.flatMap((kind) => {
    const names = proxies.filter(({ spans }) => spanWayKinds(spans).includes(kind)).map(({ proxy }) => proxy)
    if (names.length === 0) return []
    const { meaning, todo } = SPAN_WAYS[kind]
    return [`Spans of ${plainText(someOf(names))} do not come here. ${meaning} ${todo}`]
  })
}

function someOf([first = "", ...more]: readonly string[]): string {
  return more.length === 0 ? first : `${first} and ${more.length} more`
}

const PROXY_COLUMNS: readonly Column[] = [
  { title: "PROXY", align: "left" },
  { title: "STATE", align: "left" },
  { title: "MESH", align: "left", below: "mesh" },
  { title: "ROLE", align: "left" },
  { title: "RESOURCE", align: "left", below: "resource" },
  { title: "ENVOY", align: "left" },
  { title: "COUNTED BY", align: "left", below: "counted by" },
  { title: "SPANS", align: "left", below: "spans" },
  { title: "REMARK", align: "left", below: "" },
]

function proxyTable(proxies: readonly OnceProxy[], width: number | undefined): string {
  return textTable(
    PROXY_COLUMNS,
    proxies.map((proxy) =>
      [
        proxy.proxy,
        proxy.ok ? "read" : "NOT READ",
        proxy.mesh,
        proxy.role,
        proxy.resource,
        proxy.version,
        proxy.provenance,
        // That it could not be read is said already.
        proxy.ok || proxy.spans !== "unknown" ? proxy.spans : "",
        proxy.problem,
      ].map((text) => ({ text: plainText(text) })),
    ),
    width,
  )
}

const REQUEST_COLUMNS: readonly Column[] = [
  { title: "REPORTER", align: "left" },
  { title: "ROUTE", align: "left", below: "" },
  { title: "FROM", align: "left", below: "from" },
  { title: "TO", align: "left", below: "to" },
  ...["OK", "CLIENT ERR", "ERRORS", "ABORTED", "ERROR %"].map((title): Column => ({ title, align: "right" })),
]

function requestTable(requests: readonly OnceRequests[], width: number | undefined): string {
  return textTable(
    REQUEST_COLUMNS,
    requests.map((row) => {
      const counted = row.ok + row.clientErrors + row.errors
      return [
        row.reporter,
        routeText(row),
        row.source,
        row.virtualNode,
        ...[row.ok, row.clientErrors, row.errors, row.aborted].map(String),
        percent(counted === 0 ? null : row.errors / counted),
      ].map((text) => ({ text: plainText(text) }))
    }),
    width,
  )
}
