import { betterLog } from "#mesh/better-log.ts"
import { configurationText } from "#mesh/configuration-text.ts"
import type { Check, DoctorReport } from "#mesh/doctor-report.ts"
import { GAP_WORDS, gapOf } from "#mesh/gap-words.ts"
import { plainJson, plainText } from "#mesh/plain-text.ts"
import { FLAVORS, type Flavor } from "#mesh/resource.ts"
import { agentSetup, CONFIG_FLAG } from "./agent-config.ts"
import { required } from "./arguments.ts"
import { type Arguments, type Command, type Terminal, widthOf } from "./command.ts"
import { KIND_FLAG } from "./config.ts"
import { askedKind, kindOfText } from "./kinds.ts"
import { type Column, textTable } from "./text-table.ts"
import { wrappedText } from "./wrapped-text.ts"

export const doctorCommand: Command = {
  name: "doctor",
  summary: "Look from inside what can be reached and what is permitted, and name what is missing.",
  synopsis: "--config FILE [--kind KIND] [--json]",
  about:
    "For an agent or a collector, beside one that runs: rights in Kubernetes, proxies and their pages, log files, receivers, credentials. Sends nothing and keeps nothing.\nSays for each proxy what a better log would tell, with the format to paste where it can still be set. Ends with 1 when something is missing.",
  options: [CONFIG_FLAG, KIND_FLAG, { name: "json", help: "Print JSON in place of sentences." }],
  examples: [
    "meshscope doctor --config agent.yaml",
    "kubectl exec ds/meshscope-agent -- meshscope doctor -c /etc/meshscope/agent.yaml",
    "meshscope doctor -c collector.yaml --json | jq '.checks[] | select(.state == \"missing\")'",
  ],
  positionals: { least: 0, most: 0, name: "no further word" },
  async run(args, terminal) {
    const report = await examined(args, terminal)
    if (terminal.signal.aborted) return "interrupted"
    terminal.out(
      args.switches.has("json")
        ? `${plainJson(JSON.stringify(withFormats(report), undefined, 2))}\n`
        : doctorText(report, widthOf(terminal)),
    )
    return report.ok ? "ok" : "failed"
  },
}

/** Whose configuration `--config` names: what is no collector's is an agent's. @throws MeshscopeError FILE_UNREADABLE, CONFIG_* */
export async function kindOfFile(args: Arguments, { env }: Terminal): Promise<"agent" | "collector"> {
  const file = required(args, doctorCommand, "config")
  const kind = askedKind(args) ?? (await kindOfText(await configurationText(file, env)))
  return kind === "collector" ? kind : "agent"
}

/** @throws MeshscopeError FILE_UNREADABLE, CONFIG_*, MODEL_INVALID */
export async function examined(args: Arguments, terminal: Terminal): Promise<DoctorReport> {
  const file = required(args, doctorCommand, "config")
  if ((await kindOfFile(args, terminal)) === "collector") {
    const { readCollectorConfig } = await import("../collector/config.ts")
    const { examineCollector } = await import("../collector/examine.ts")
    return examineCollector(await readCollectorConfig(file, terminal.env), terminal.env, terminal.signal)
  }
  const { config } = await agentSetup(args, doctorCommand, terminal)
  const { examine } = await import("../agent/main.ts")
  return examine(config, { clock: terminal.clock, signal: terminal.signal })
}

const MARKS: Readonly<Record<Check["state"], string>> = {
  ok: "ok",
  missing: "MISSING",
  warning: "warning",
  not_tried: "not tried",
}

const COLUMNS: readonly Column[] = [
  { title: "STATE", align: "left" },
  { title: "WHAT", align: "left" },
  { title: "FOUND", align: "left", below: "" },
]

/** The report for a terminal that is so wide: what is missing first. */
export function doctorText(report: DoctorReport, width?: number): string {
  const rank: readonly Check["state"][] = ["missing", "warning", "not_tried", "ok"]
  const checks = report.checks.toSorted((a, b) => rank.indexOf(a.state) - rank.indexOf(b.state))
  const rows = checks.map(({ state, area, subject, sentence, todo }) =>
    [MARKS[state], `${area}: ${subject}`, todo === "" ? sentence : `${sentence} ${todo}`].map((text) => ({
      // A file with several mistakes tells each on a line of its own.
      text: plainText(text.replaceAll("\n", " ")),
    })),
  )
  const counted = (state: Check["state"]): number => checks.filter((check) => check.state === state).length
  const end = report.ok
    ? `Nothing is missing: ${counted("ok")} of ${checks.length} checks are well.`
    : `Something is missing: ${counted("missing")} of ${checks.length} checks say so.`
  return [textTable(COLUMNS, rows, width), ...logTexts(report, width), `${end}\n`].join("\n")
}

/** What better logs would tell: once for all proxies that lack the same and have it set in the same place. */
function logTexts({ logs }: DoctorReport, width: number | undefined): readonly string[] {
  return FLAVORS.flatMap((flavor) => {
    const proxies = logs.filter((log) => log.flavor === flavor && fromLog(log.missing).length > 0)
    if (proxies.length === 0) return []
    const words = GAP_WORDS.filter((word) => proxies.some(({ missing }) => fromLog(missing).includes(word)))
    const told = words.map((word) => {
      const { lacks, untold } = gapOf(word)
      const names = proxies.filter(({ missing }) => missing.includes(word)).map(({ proxy }) => proxy)
      return wrappedText(`  ${lacks} (${plainText(someOf(names))}): ${untold}`, width)
    })
    const { where, paste } = betterLog(flavor)
    return [
      `A better log would tell of ${flavor}:`,
      ...told,
      "",
      wrappedText(where, width),
      "",
      `${paste}\n`,
    ].join("\n")
  })
}

const fromLog = (missing: readonly string[]): readonly string[] =>
  missing.filter((word) => ["log", "format"].includes(gapOf(word).mend))

function someOf(names: readonly string[]): string {
  const [first = "", second] = names
  if (names.length <= 2) return second === undefined ? first : `${first}, ${second}`
  return `${first}, ${second ?? ""} and ${names.length - 2} more`
}

/** With what each kind of proxy would have to be told. */
function withFormats(report: DoctorReport): object {
  const flavors = new Set<Flavor>(report.logs.flatMap(({ flavor }) => (flavor === "" ? [] : [flavor])))
  return {
    ...report,
    formats: Object.fromEntries([...flavors].map((flavor) => [flavor, betterLog(flavor)])),
  }
}
