import { cpus } from "node:os"
import { BUNDLED_ENVIRONMENT, BUNDLED_FLAGS } from "./agent-run.ts"
import { type BenchResult, isMet, NEAR, short, verdict } from "./result.ts"

const HEAD = ["goal", "what", "ours", "peer", "ratio", "to reach", ""] as const

function cells(result: BenchResult): string[] {
  const { id, what, ours, unit, peer, goal } = result
  return [
    id,
    what,
    `${short(ours)} ${unit}`,
    peer === undefined ? "" : short(peer),
    peer === undefined ? "" : short(peer / ours),
    goal === undefined ? "" : short(goal.most),
    verdict(result),
  ]
}

/** All results as one table for a terminal. */
export function tableText(results: readonly BenchResult[]): string {
  const rows = [[...HEAD], ...results.map(cells)]
  const widths = HEAD.map((_, column) => Math.max(...rows.map((row) => (row[column] ?? "").length)))
  const line = (row: readonly string[]): string =>
    row
      .map((cell, column) =>
        column < 2 ? cell.padEnd(widths[column] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join("  ")
  return `${rows.map((row) => line(row).trimEnd()).join("\n")}\n`
}

/** What JSON.parse did on the machine that the goals were set on, ns per line of 800 B (628,000 lines/s). */
const GOALS_PARSE_NS = 1592

/** Goals that other measurements are for, or none yet. */
const ELSEWHERE = [
  "P2 and P13 (CPU beside Prometheus, vmagent, mtail and an OpenTelemetry Collector on the same fleet), P14 (what a scrape costs Envoy) and P15 (first paint of the page) have no bench here yet.",
  "P10 is compared with a Map in memory and with rows in SQLite, not with Prometheus.",
  "P4 counts what decoding and binding hold; the agent's whole memory at 534,000 series is not measured.",
] as const

const row = (texts: readonly string[]): string =>
  `| ${texts.map((text) => text.replaceAll("|", "\\|")).join(" | ")} |`

const environment = Object.entries(BUNDLED_ENVIRONMENT)
  .map(([name, value]) => `${name}=${value}`)
  .join(" ")

/**
 * `docs/benchmarks.md` of one whole run.
 *
 * @param commit what was run, for people
 */
export function benchmarksPage(results: readonly BenchResult[], now: Date, commit: string): string {
  const missed = results.filter((result) => isMet(result) === false)
  return `${[
    "# Benchmarks",
    "",
    "<!-- Written by `npm run bench`. Do not edit: the next run writes it anew. -->",
    "",
    `Run of ${now.toISOString().slice(0, 10)}, ${commit}, on ${machine()}. Time is CPU time, user and system, of all threads; the least of several rounds where nothing else is said. Each bench has a process of its own. Where a peer does the same work, ours and it take turns, as many rounds each on the same input, warmed by work that is not counted. The ratio is the peer's figure divided by ours: above 1 we need less. Figures of another machine differ, ratios hold better. What is within ${NEAR * 100} % of its goal is near the goal: the next run may fall on the other side.`,
    "",
    row(HEAD.map((name) => (name === "" ? "result" : name))),
    row(HEAD.map((_, column) => (column < 2 ? "---" : "--:"))),
    ...results.map((result) => row(cells(result))),
    "",
    "## What the peers do more or less",
    "",
    "And what of both answers was found equal before anything was written here. Rows without a peer compare no answer.",
    "",
    ...besides(results),
    "",
    "## What falls short",
    "",
    ...(missed.length === 0 ? ["Nothing: every goal that was measured is met."] : missed.map(shortfall)),
    "",
    ...speed(results),
    "## What is not measured",
    "",
    ...ELSEWHERE.map((sentence) => `- ${sentence}`),
    "",
    "## How the whole agent is run",
    "",
    `P12 and P16 start it from the bundle of \`npm run build\` as \`${environment} NODE_COMPILE_CACHE=<folder> node ${BUNDLED_FLAGS.join(" ")} dist/meshscope.mjs agent --config <file>\`. The compile cache is filled by a run before. Its proxies are pages and logs of the demo's real Envoys, read once at the beginning and served again at as many addresses as are needed.`,
  ].join("\n")}\n`
}

/** One line per sentence, with the rows that it is about. */
function besides(results: readonly BenchResult[]): string[] {
  const rows = Map.groupBy(
    results.filter(({ beside }) => beside !== undefined),
    ({ beside }) => beside,
  )
  return [...rows].map(
    ([beside, about]) => `- ${about.map(({ id, what }) => `${id}, ${what}`).join("; ")}: ${beside}.`,
  )
}

function shortfall({ id, what, ours, unit, goal }: BenchResult): string {
  const most = goal?.most ?? 0
  return `- ${id}, ${what}: ${short(ours)} ${unit}, ${short(ours / most)} times the goal of ${short(most)}.`
}

/** Goals are times of one machine: how this one compares. */
function speed(results: readonly BenchResult[]): string[] {
  const parse = results.find(({ id, what }) => id === "P5" && what.includes("JSON.parse"))?.peer
  if (parse === undefined) return []
  const times = short(parse / GOALS_PARSE_NS)
  return [
    `Goals in units of time were set on a faster machine: there JSON.parse read a line of P5 in ${GOALS_PARSE_NS.toLocaleString("en")} ns, here it took ${times} times as long.`,
    "",
  ]
}

function machine(): string {
  const list = cpus()
  const model = (list[0]?.model ?? "unknown CPU").replace(/\s+\d*-?Core.*$|\(R\)|\(TM\)|\s+@.*$/g, "").trim()
  return `${list.length} cores (${model}, ${process.arch}), Node ${process.versions.node}`
}
