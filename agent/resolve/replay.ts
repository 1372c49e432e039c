import type { EnvoyRoute, VirtualHost } from "#mesh/proxy.ts"
import type { Doubt } from "#mesh/request.ts"
import { SERVICE_HEADER } from "./dialects/app-mesh.ts"
import type { LineView } from "./line-view.ts"
import type { Reach } from "./reach.ts"
import { hostRewrite, rewritesPath, rewritten } from "./rewrite.ts"
import type { NamedRoute } from "./route-names.ts"
import type { RequestView } from "./route-table/conditions.ts"
import type { TableRow } from "./route-table/host-index.ts"
import type { RouteAnswer, RouteTable } from "./route-table.ts"

/** The tables that one side of a proxy may have used, with what their routes are called. */
export interface ReplaySide {
  readonly tables: readonly RouteTable[]
  readonly names: ReadonlyMap<EnvoyRoute, NamedRoute>
  /** Some route replaces path or host, so that the line may show other than what was matched. */
  readonly rewrites: boolean
}

export interface ReplayQuestion {
  readonly line: LineView
  readonly reach: Reach | undefined
  /** The line tells the route's own name. */
  readonly routeName: string | undefined
  /** The line may be of a request that found no route. */
  readonly mayBeUnmatched: boolean
  readonly queryLogged: boolean
}

/** Rows that the request may have taken: one is an answer, none is unmatched, several are ambiguous. */
export interface ReplayAnswer {
  readonly rows: readonly TableRow[]
  /** With several rows or one that is not certain. */
  readonly ambiguous: boolean
  /** Virtual host that the authority names, when no row took the request. */
  readonly host: VirtualHost | undefined
  readonly doubt: Doubt | undefined
}

const NOTHING: ReplayAnswer = { rows: [], ambiguous: false, host: undefined, doubt: undefined }

/**
 * One pass over a side's tables for a path and authority. Several tables are asked where it is not known which port was
 * called; what only one of them takes is certain.
 */
function ask(
  side: ReplaySide,
  question: ReplayQuestion,
  path: string | undefined,
  authority: string | undefined,
  only?: (row: TableRow) => boolean,
  service?: string,
): ReplayAnswer {
  const { line, reach, routeName } = question
  const view: RequestView = {
    authority,
    path,
    method: line.method,
    queryLogged: question.queryLogged,
    header:
      service === undefined ? line.header : (name) => (name === SERVICE_HEADER ? service : line.header(name)),
  }
  const leads = (row: TableRow): boolean =>
    (reach === undefined || leadsTo(row.route, reach)) &&
    (routeName === undefined || row.route.name === routeName) &&
    (only === undefined || only(row))
  const single = side.tables.length === 1 ? side.tables[0] : undefined
  const options = { leads, mayBeUnmatched: question.mayBeUnmatched && single !== undefined }
  if (single !== undefined) return answerOf(single.match(view, options))
  return join(
    side.tables.map((table) => table.match(view, options)),
    side,
  )
}

function answerOf(answer: RouteAnswer): ReplayAnswer {
  if (answer.kind === "unmatched") return { ...NOTHING, host: answer.host }
  if (answer.kind === "row")
    return { rows: [answer.row], ambiguous: false, host: undefined, doubt: undefined }
  return { rows: answer.rows, ambiguous: true, host: undefined, doubt: "route_ambiguous" }
}

function leadsTo({ action }: EnvoyRoute, reach: Reach): boolean {
  if (action.kind !== "route") return false
  return action.clusterHeader !== undefined || action.clusters.some(({ name }) => reach.names.has(name))
}

function join(answers: readonly RouteAnswer[], side: ReplaySide): ReplayAnswer {
  const rows: TableRow[] = []
  let ambiguous = false
  let host: VirtualHost | undefined
  for (const answer of answers) {
    if (answer.kind === "unmatched") {
      host ??= answer.host
      continue
    }
    ambiguous ||= answer.kind === "ambiguous"
    for (const row of answer.kind === "row" ? [answer.row] : answer.rows) {
      if (!rows.some((one) => sameName(side, one, row))) rows.push(row)
    }
  }
  if (rows.length === 0) return { ...NOTHING, host }
  ambiguous ||= rows.length > 1
  return { rows, ambiguous, host, doubt: ambiguous ? "route_ambiguous" : undefined }
}

function sameName(side: ReplaySide, a: TableRow, b: TableRow): boolean {
  return a === b || (side.names.get(a.route)?.row ?? a) === (side.names.get(b.route)?.row ?? b)
}

/**
 * Replays a line on one side. Where routes rewrite, a line shows path and host as they were forwarded; the row that was
 * taken is the one whose rewrite explains both:
 * - `original` is what the caller sent if the row rewrites and its rewrite of `original` gives `path`. A caller cannot
 *   fake this at a row that rewrites, since Envoy writes the header itself there.
 * - else `path` was not rewritten, and an `original` in the line is the caller's own invention.
 */
export function replay(side: ReplaySide, question: ReplayQuestion): ReplayAnswer {
  const { line } = question
  if (!side.rewrites) return replayPlain(side, question)
  const explained = explain(side, question)
  if (explained.rows.length > 0) return doubtedByPlain(side, question, explained)
  // Replies that Envoy made before it rewrote anything show the request as it came; an `original` is then the caller's.
  const answer = ask(side, question, line.path ?? line.either ?? line.original, line.authority)
  const doubted = doubtedByPlain(side, question, answer)
  return line.original === undefined ? doubted : { ...doubted, doubt: doubted.doubt ?? "forgeable" }
}

/** With one path for both, a request that a row without rewrite took shows whatever original path its caller claimed. */
function doubtedByPlain(side: ReplaySide, question: ReplayQuestion, answer: ReplayAnswer): ReplayAnswer {
  const { line } = question
  const [first] = answer.rows
  if (line.path !== undefined || line.either === undefined || first === undefined) return answer
  if (answer.doubt !== undefined) return answer
  const plain = byHost(side, question, undefined, (row) => !rewritesPath(row.route))
  const other = plain.rows.some((row) => !sameName(side, first, row))
  return other ? { ...answer, doubt: "forgeable" } : answer
}

/** No row of this side rewrites: `path` is what was matched. A format that shows only one of two paths can be fooled. */
function replayPlain(side: ReplaySide, question: ReplayQuestion): ReplayAnswer {
  const { line } = question
  if (line.path !== undefined) return ask(side, question, line.path, line.authority)
  const answer = ask(side, question, line.either ?? line.original, line.authority)
  if (line.either === undefined || answer.doubt !== undefined) return answer
  // Whoever calls may have sent the header: the row is certain only when the path does not matter.
  const any = ask(side, question, undefined, line.authority)
  return any.rows.length > 1 ? { ...answer, doubt: "forgeable" } : answer
}

function explain(side: ReplaySide, question: ReplayQuestion): ReplayAnswer {
  const { line } = question
  const original = line.original ?? line.either
  const rows = original === undefined ? NOTHING : byHost(side, question, original, explains(line, original))
  const unchanged = line.path ?? (line.original === undefined ? line.either : undefined)
  if (unchanged === undefined) return rows
  const kept = byHost(side, question, unchanged, (row) => !rewritesPath(row.route))
  if (rows.rows.length === 0) {
    // A format without the original path: each row whose rewrite could have made this path.
    if (kept.rows.length > 0 || line.original !== undefined || line.either !== undefined) return kept
    return byHost(side, question, undefined, (row) => couldMake(row.route, unchanged))
  }
  const other = kept.rows[0]
  const first = rows.rows[0]
  if (other === undefined || first === undefined || sameName(side, first, other)) return rows
  // One path for both: Envoy's order decides. With two, a caller may have sent the header that Envoy would have written.
  const chosen = line.path === undefined ? firstOf(side, rows, kept) : rows
  return { ...chosen, doubt: chosen.doubt ?? "forgeable" }
}

function explains(line: LineView, original: string): (row: TableRow) => boolean {
  return ({ route }) => {
    if (!rewritesPath(route)) return false
    if (line.path === undefined) return true
    const made = rewritten(route, original)
    return made === undefined || made === line.path
  }
}

function couldMake(route: EnvoyRoute, path: string): boolean {
  if (route.action.kind !== "route" || route.action.prefixRewrite === undefined) return false
  return path.startsWith(route.action.prefixRewrite)
}

/** The logged host is the rewritten one for rows that rewrite it, so it cannot choose the virtual host for them. */
function byHost(
  side: ReplaySide,
  question: ReplayQuestion,
  path: string | undefined,
  only: (row: TableRow) => boolean,
): ReplayAnswer {
  const { authority } = question.line
  const changed = ask(side, question, path, undefined, (row) => {
    const host = hostRewrite(row.route)
    return (
      host !== undefined &&
      (authority === undefined || host.toLowerCase() === authority.toLowerCase()) &&
      only(row)
    )
  })
  const kept = ask(
    side,
    question,
    path,
    authority,
    (row) => hostRewrite(row.route) === undefined && only(row),
  )
  if (changed.rows.length === 0) return kept
  if (kept.rows.length === 0) return changed
  return firstOf(side, changed, kept)
}

/** Both readings found rows. Within one virtual host Envoy's order decides; else nothing does. */
function firstOf(side: ReplaySide, a: ReplayAnswer, b: ReplayAnswer): ReplayAnswer {
  const [left] = a.rows
  const [right] = b.rows
  if (left !== undefined && right !== undefined && left.host === right.host && !a.ambiguous && !b.ambiguous) {
    return left.order < right.order ? a : b
  }
  const rows = [...a.rows]
  for (const row of b.rows) if (!rows.some((one) => sameName(side, one, row))) rows.push(row)
  const ambiguous = rows.length > 1 || a.ambiguous || b.ambiguous
  return { rows, ambiguous, host: undefined, doubt: ambiguous ? "route_ambiguous" : undefined }
}

/**
 * A gateway's second pass. Its lines show the host as the first pass rewrote it; the path too, but a format with one
 * path for both shows the caller's. Then the first pass is replayed, and its rewrite applied again. Where the first pass
 * kept the host, the virtual service travelled in a header that no format logs: the first pass tells it.
 */
export function replaySecondPass(
  first: ReplaySide,
  second: ReplaySide,
  question: ReplayQuestion,
): ReplayAnswer {
  const { line } = question
  const { authority } = line
  const named =
    authority !== undefined && second.tables.some((table) => table.namedHost(authority) !== undefined)
  if (line.path !== undefined && named) return ask(second, question, line.path, authority)
  const before = replay(first, {
    ...question,
    reach: undefined,
    routeName: undefined,
    mayBeUnmatched: false,
  })
  const answers: ReplayAnswer[] = []
  let forgeable = before.doubt === "forgeable"
  for (const row of before.rows) {
    const path = line.path ?? pathAfter(row, line)
    if (line.path === undefined && !rewritesPath(row.route)) forgeable = true
    answers.push(ask(second, question, path, authority, undefined, serviceOf(row)))
  }
  const found = answers.filter((answer) => answer.rows.length > 0)
  const answer = found.reduce<ReplayAnswer | undefined>(
    (all, one) => (all === undefined ? one : firstOf(second, all, one)),
    undefined,
  )
  if (answer === undefined) return ask(second, question, line.path ?? line.either ?? line.original, authority)
  return forgeable ? { ...answer, doubt: answer.doubt ?? "forgeable" } : answer
}

function pathAfter(row: TableRow, line: LineView): string | undefined {
  const original = line.either ?? line.original
  return original === undefined ? undefined : rewritten(row.route, original)
}

function serviceOf({ route }: TableRow): string | undefined {
  return route.requestHeadersToAdd.find((header) => header.name === SERVICE_HEADER)?.value
}
