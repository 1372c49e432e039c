import { HEALTH_STATES } from "#mesh/health.ts"
import { plainText } from "#mesh/plain-text.ts"
import { healthCell } from "./health-mark.ts"
import { ageText, millis, percent, perSecond } from "./number-text.ts"
import { routeText } from "./route-text.ts"
import type { ShownAnswer, ShownRoute, ShownSummary } from "./routes-answer.ts"
import { type Cell, type Column, textTable } from "./text-table.ts"

const left = (title: string, below?: string): Column => ({
  title,
  align: "left",
  ...(below === undefined ? {} : { below }),
})
const right = (title: string): Column => ({ title, align: "right" })

/** Who counted, in words. One that a newer collector names stands as it is. */
const SEEN_BY: ReadonlyMap<string, string> = new Map([
  ["source", "callers"],
  ["destination", "own proxies"],
  ["gateway", "gateway"],
])
/** Envoy's word for a request without a flag. */
const NO_FLAG = "-"

/** What is wrong and where it begins, one line each; nothing where nothing is wrong. */
export function troubleText({ verdict, origins }: ShownSummary): string {
  if (verdict.health !== "failing" && verdict.health !== "degraded") return ""
  const lines = origins.map(
    ({ sentence, evidence, since, endedAt }) =>
      `  ${sentence}${whenText(since, endedAt)}.${evidence[0] === undefined ? "" : ` ${evidence[0]}`}`,
  )
  return `${[verdict.sentence, ...lines].map(plainText).join("\n")}\n\n`
}

function whenText(since: string | null, endedAt: string | null): string {
  if (endedAt !== null) return `, ended ${endedAt.slice(11, 16)} UTC`
  return since === null ? "" : ` since ${since.slice(11, 16)} UTC`
}

/** The answer as a table, worst first, with a line below that says how much of the truth it rests on. `width`: of the terminal. */
export function routesText(answer: ShownAnswer, colours: boolean, width?: number): string {
  const rows = answer.rows.toSorted(worstFirst)
  const meshes = new Set(rows.map(({ key }) => key.mesh))
  const columns = [
    left("HEALTH"),
    ...(meshes.size > 1 ? [left("MESH", "mesh")] : []),
    left("ROUTE", ""),
    left("SEEN BY", "seen by"),
    ...["REQ/S", "ERROR %", "P50 MS", "P95 MS", "P99 MS", "PROXIES"].map(right),
    left("FLAGS", "flags"),
    left("SINCE", "since"),
  ]
  const cells = rows.map((row) => cellsOf(row, colours, meshes.size > 1))
  const table = rows.length === 0 ? "No route is known yet.\n" : textTable(columns, cells, width)
  const more = answer.next === null ? "" : `Only the first ${rows.length} rows are shown.\n`
  return `${table}\n${more}${completenessText(answer)}\n`
}

function cellsOf(row: ShownRoute, colours: boolean, withMesh: boolean): Cell[] {
  const { numbers, tcp } = row
  const texts = [
    SEEN_BY.get(row.reporter) ?? row.reporter,
    tcp === null ? perSecond(numbers.requestsPerSecond) : `${perSecond(tcp.openedPerSecond)} connections/s`,
    percent(numbers.errorRatio),
    millis(numbers.p50Ms),
    millis(numbers.p95Ms),
    millis(numbers.p99Ms),
    `${row.answered}/${row.known}`,
    tcp === null || tcp.closedWithError === 0 ? flagsText(row) : `${tcp.closedWithError} connections failed`,
    row.since === null ? "" : `${row.since.slice(11, 16)} UTC`,
  ]
  return [
    healthCell(row.health, colours),
    ...[...(withMesh ? [row.key.mesh] : []), routeText(row.key) || row.name, ...texts].map((text) => ({
      text: plainText(text),
    })),
  ]
}

/** `URX×30 at v2`. */
function flagsText({ flagsTop, worstTarget, health }: ShownRoute): string {
  const troubled = health === "failing" || health === "degraded"
  const counts = flagsTop
    .map(({ flags, count }) => `${flags === NO_FLAG ? "no flag" : flags}×${count}`)
    .join(" ")
  return worstTarget === null || !troubled ? counts : `${counts} at ${worstTarget.virtualNode}`.trimStart()
}

/** Failing before degraded and so on; within a state the higher error ratio, then the busier, then the name. */
function worstFirst(one: ShownRoute, other: ShownRoute): number {
  return (
    HEALTH_STATES.indexOf(one.health) - HEALTH_STATES.indexOf(other.health) ||
    (other.numbers.errorRatio ?? -1) - (one.numbers.errorRatio ?? -1) ||
    other.numbers.requestsPerSecond - one.numbers.requestsPerSecond ||
    routeText(one.key).localeCompare(routeText(other.key), "en")
  )
}

/** One line: who answered, what stayed unaccounted, how old the data is. */
function completenessText({ complete, completeness, windowSeconds }: ShownAnswer): string {
  const { proxiesAnswered, proxiesKnown, agentsSeen, agentsKnown, unaccountedRatio, dataAgeSeconds } =
    completeness
  return [
    `${complete ? "Complete" : "INCOMPLETE"}: ${proxiesAnswered} of ${proxiesKnown} proxies answered`,
    `${agentsSeen} of ${agentsKnown} agents report`,
    unaccountedRatio === null
      ? "nothing to account for"
      : `${percent(unaccountedRatio)} % of requests unaccounted`,
    dataAgeSeconds === null ? "no data yet" : `data ${ageText(dataAgeSeconds)} old`,
    `window ${ageText(windowSeconds)}`,
    ...(completeness.storeProblem === null ? [] : [plainText(completeness.storeProblem)]),
  ].join(", ")
}
