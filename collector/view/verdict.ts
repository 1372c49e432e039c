import type { Board } from "./board.ts"
import { routeTally } from "./board.ts"
import { mainFlag } from "./main-flag.ts"
import type { FaultOrigin } from "./origins.ts"
import type { RouteRow } from "./route-row.ts"
import type { Verdict } from "./summary.ts"
import { thousands } from "./thousands.ts"
import { clockText } from "./time-text.ts"

/** One sentence with its base. What was not seen is said, never smoothed. */
export function verdictOf(board: Board, origins: readonly FaultOrigin[]): Verdict {
  const { rows, reading } = board
  if (reading.agents.length === 0)
    return { health: "unknown", sentence: "No agent has reported yet.", routeId: null, since: null }
  const troubled = rows.filter(isTroubled)
  const current = troubled.filter((row) => row.endedAt === null)
  const about = [current, troubled]
    .map((all) => all.find((row) => row.synthetic === null) ?? all[0])
    .find((row) => row !== undefined)
  return about === undefined ? calm(board) : trouble(board, about, origins)
}

function isTroubled({ health }: Pick<RouteRow, "health">): boolean {
  return health === "failing" || health === "degraded"
}

function trouble(board: Board, row: RouteRow, origins: readonly FaultOrigin[]): Verdict {
  const since = row.since === null ? "" : ` since ${clockText(Date.parse(row.since))}`
  const is =
    row.endedAt === null
      ? `is ${row.health}${since}`
      : `was ${row.health}, ended ${clockText(Date.parse(row.endedAt))}`
  const flags = mainFlag(row) ?? "-"
  const cause = flags === "-" ? "" : `, mostly ${flags}`
  const origin = origins.find(({ routes }) => routes.some(({ id }) => id === row.id))
  const begins = origin === undefined ? "" : `${origin.sentence}. `
  const what =
    row.synthetic === null || row.kind === "service"
      ? row.name
      : `${row.name} of ${row.key.virtualService || row.key.mesh}`
  return {
    health: row.health,
    sentence: `${what} ${is}: ${troubleText(row)}${cause}. ${begins}${base(board)}`,
    routeId: row.id,
    since: row.since,
  }
}

/** What is wrong with a row in a few words: errors, broken connections, or no host that could answer. */
export function troubleText({ numbers, tcp }: Pick<RouteRow, "numbers" | "tcp">): string {
  if (numbers.errorRatio !== null && numbers.errors > 0) return `${percent(numbers.errorRatio)} errors`
  const broken = tcp?.closedWithError ?? 0
  if (broken > 0)
    return `${thousands(broken)} ${broken === 1 ? "connection" : "connections"} ended with an error`
  return "no healthy host"
}

function calm(board: Board): Verdict {
  const tally = routeTally(board.rows)
  const { complete } = board.head
  const health =
    tally.total === 0 || !complete || tally.unknown > 0 ? "unknown" : tally.ok > 0 ? "ok" : "no traffic"
  return { health, sentence: base(board), routeId: null, since: null }
}

/** `11 routes, none failing; 14 of 14 proxies answered.` */
function base(board: Board): string {
  const tally = routeTally(board.rows)
  const { proxiesAnswered, proxiesKnown } = board.head.completeness
  const bad = tally.failing + tally.degraded
  const ended = board.rows.filter((row) => row.synthetic === null && row.endedAt !== null).length
  const lost = board.rows.filter((row) => row.synthetic !== null && isTroubled(row))
  if (tally.total === 0)
    return `No route is known yet; ${proxiesAnswered} of ${proxiesKnown} proxies answered.`
  const parts = [
    `${tally.total} ${tally.total === 1 ? "route" : "routes"}`,
    bad + lost.length === 0 ? "none failing" : `${tally.failing} failing, ${tally.degraded} degraded`,
    ...(tally.unknown === 0 ? [] : [`${tally.unknown} unknown`]),
    ...(ended === 0 ? [] : [`${ended} of these ended`]),
    ...(lost.length === 0 ? [] : ["requests without a known route failing"]),
  ]
  return `${parts.join(", ")}; ${proxiesAnswered} of ${proxiesKnown} proxies answered.`
}

export function percent(ratio: number): string {
  const value = ratio * 100
  return `${value >= 10 ? value.toFixed(1) : value.toFixed(2)} %`
}
