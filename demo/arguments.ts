import { isIPv4 } from "node:net"
import { parseArgs } from "node:util"
import { MeshscopeError } from "#mesh/errors.ts"
import { faultHelp } from "./faults.ts"

export const TRACERS = ["none", "xray", "zipkin", "otlp"] as const

/** What the demo was asked to do. */
export interface DemoArguments {
  readonly help: boolean
  /** Run for so long, then print what was counted and end; undefined: until Ctrl-C. */
  readonly forMs: number | undefined
  readonly json: boolean
  readonly rate: number
  readonly seed: number
  readonly mesh: "yelb" | "extended"
  readonly logs: "mixed" | "json"
  readonly mix: "everyday" | "all"
  readonly keep: boolean
  /** Without agent and collector: Envoys and load alone. */
  readonly bare: boolean
  readonly tracer: (typeof TRACERS)[number]
  /** Print one trace at the end. */
  readonly showTrace: boolean
  /** Where the spans go, `host:port`; undefined: to the agent, and without one nowhere but to its usual port. */
  readonly spansTo: { readonly host: string; readonly port: number } | undefined
  /** Base address of who takes OTLP from the agent, which then takes the spans; undefined: they do not pass the agent. */
  readonly tracesOut: string | undefined
  readonly faults: readonly TimedFault[]
}

export interface TimedFault {
  /** One line such as `weights 99:1`. */
  readonly line: string
  readonly atMs: number
}

/** What `--help` shows. */
export function usage(): string {
  return `npm run demo -- [options]

The yelb mesh on real Envoys in App Mesh's names, with load on it, an agent and a collector. It says where they
listen; faults are typed while it runs. Ctrl-C ends it and removes everything. Needs Linux and no root.

  --for <duration>     run so long (60s, 5m), then print what was counted beside what really happened
  --json               print it as JSON, the only thing on standard output (with --for)
  --rate <n>           planned requests a second (default 20)
  --seed <n>           another plan (default 1)
  --mesh <name>        yelb (default) or extended: canary, timeouts, gRPC, a service without routes
  --mix <name>         everyday (default, mostly fine) or all: every case often
  --logs <name>        mixed (default: some JSON, one in text, the rest none) or json
  --tracer <name>      xray (default), zipkin, otlp or none: the Envoys trace every request, the agent takes it
  --show-trace         print one request's trace at the end; while it runs, type trace
  --spans-to <addr>    where the Envoys send their spans instead, e.g. 127.0.0.1:2000
  --traces-out <url>   the agent sends them on by OTLP too, e.g. to http://127.0.0.1:14318
  --fault <line>@<t>   a fault at a time, e.g. --fault kill-app@20s --fault "weights 0:1@30s"
  --bare               no agent and no collector
  --keep               leave the run folder
  --help               this text

Faults (a part of a node's name is enough; without one, appserver v1):
${faultHelp()}

Exit codes:
  0    stopped, or with --for: agent and collector agree with the truth to the request
  1    they do not agree, or something did not work; the message says what
  2    the command line is wrong
  130  a second Ctrl-C came before all had ended
`
}

/** @throws MeshscopeError CONFIG_INVALID with the option and what it expects */
export function parseDemoArguments(args: readonly string[]): DemoArguments {
  const { values } = parsed(args)
  if (values.json === true && values.for === undefined && values.help !== true)
    throw invalid("--json needs --for: the counts are printed when the time is over, e.g. --for 60s --json.")
  const forMs = values.for === undefined ? undefined : duration("--for", values.for)
  return {
    help: values.help ?? false,
    forMs,
    json: values.json ?? false,
    rate: numberIn("--rate", values.rate ?? "20", 0.1, 2000),
    seed: numberIn("--seed", values.seed ?? "1", 0, 2 ** 32 - 1),
    mesh: oneOf("--mesh", values.mesh ?? "yelb", ["yelb", "extended"]),
    logs: oneOf("--logs", values.logs ?? "mixed", ["mixed", "json"]),
    mix: oneOf("--mix", values.mix ?? "everyday", ["everyday", "all"]),
    keep: values.keep ?? false,
    bare: values.bare ?? false,
    // Without an agent nobody takes what was not asked for.
    tracer: oneOf("--tracer", values.tracer ?? (values.bare === true ? "none" : "xray"), TRACERS),
    showTrace: values["show-trace"] ?? false,
    tracesOut: tracesOut(values),
    spansTo: values["spans-to"] === undefined ? undefined : address("--spans-to", values["spans-to"]),
    faults: timedFaults(values.fault ?? [], forMs),
  }
}

function parsed(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: "boolean", short: "h" },
        for: { type: "string" },
        json: { type: "boolean" },
        rate: { type: "string" },
        seed: { type: "string" },
        mesh: { type: "string" },
        mix: { type: "string" },
        logs: { type: "string" },
        keep: { type: "boolean" },
        bare: { type: "boolean" },
        tracer: { type: "string" },
        "show-trace": { type: "boolean" },
        "spans-to": { type: "string" },
        "traces-out": { type: "string" },
        fault: { type: "string", multiple: true },
      },
    })
  } catch (error) {
    throw invalid(error instanceof Error ? error.message : String(error))
  }
}

const invalid = (message: string): MeshscopeError => new MeshscopeError("CONFIG_INVALID", message)

/** In the order of their times. One that the run does not reach would never be seen. */
function timedFaults(texts: readonly string[], forMs = Number.POSITIVE_INFINITY): readonly TimedFault[] {
  const faults = texts.map(timedFault).toSorted((a, b) => a.atMs - b.atMs)
  const last = faults.at(-1)
  if (last !== undefined && last.atMs >= forMs)
    throw invalid(`--fault ${last.line}@${last.atMs / 1000}s comes after the end, --for ${forMs / 1000}s.`)
  return faults
}

function timedFault(text: string): TimedFault {
  const at = text.lastIndexOf("@")
  if (at <= 0) throw invalid(`--fault expects a line and a time such as kill-app@20s, not ${text}.`)
  return { line: text.slice(0, at).trim(), atMs: duration("--fault", text.slice(at + 1)) }
}

const UNITS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000 }

function duration(option: string, text: string): number {
  const [, amount, unit = ""] = /^(\d{1,6})(ms|s|m|h)$/.exec(text) ?? []
  const ms = Number(amount) * (UNITS[unit] ?? Number.NaN)
  if (!(ms > 0)) throw invalid(`${option} expects a duration with its unit such as 60s, not ${text}.`)
  return ms
}

function numberIn(option: string, text: string, least: number, most: number): number {
  const value = Number(text)
  if (text.trim() !== "" && value >= least && value <= most) return value
  throw invalid(`${option} expects a number from ${least} to ${most}, not ${text}.`)
}

/** The agent takes the spans then, so there must be one, and nothing else to send them to. */
function tracesOut(values: ReturnType<typeof parsed>["values"]): string | undefined {
  const url = values["traces-out"]
  if (url === undefined) return undefined
  if (values.tracer === "none" || values.bare === true || values["spans-to"] !== undefined)
    throw invalid("--traces-out needs a tracer and an agent, and goes without --spans-to.")
  if (/^https?:\/\/[\w.-]+(?::\d{1,5})?$/.test(url)) return url
  throw invalid(`--traces-out expects a base address such as http://127.0.0.1:14318, not ${url}.`)
}

function address(option: string, text: string): { readonly host: string; readonly port: number } {
  const [, host = "", port = ""] = /^((?:\d{1,3}\.){3}\d{1,3}):(\d{1,5})$/.exec(text) ?? []
  if (isIPv4(host) && Number(port) > 0 && Number(port) < 65_536) return { host, port: Number(port) }
  throw invalid(`${option} expects an IPv4 address and a port such as 127.0.0.1:2000, not ${text}.`)
}

function oneOf<const T extends string>(option: string, text: string, choices: readonly T[]): T {
  const found = choices.find((choice) => choice === text)
  if (found === undefined) throw invalid(`${option} expects ${choices.join(" or ")}, not ${text}.`)
  return found
}
