import { DOUBTS, type Doubt } from "#mesh/request.ts"
import type { Answer } from "./answer.ts"
import type { Board } from "./board.ts"
import { named, total } from "./fact.ts"
import { UNMAPPED_BY } from "./reading.ts"
import type { RouteRow } from "./route-row.ts"

/** Lines that could not be given to a resource, or only with a doubt, by reason and proxy. */
export interface DoubtRow {
  readonly reason: string
  readonly meaning: string
  readonly mesh: string
  readonly proxy: string
  readonly resource: string
  readonly count: number
  readonly perSecond: number
}

export interface UnmappedView extends Answer {
  readonly doubts: readonly DoubtRow[]
  /** Rows `(unmatched)`, `(ambiguous)`, `(shared)`, `(undeclared)` and so on with requests or connections, most first. */
  readonly rows: readonly RouteRow[]
}

const MEANINGS: Readonly<Record<Doubt, string>> = {
  direction: "Neither cluster, address nor authority tell whether the request came in or went out.",
  cluster: "The upstream cluster's name names no declared resource.",
  host: "The upstream host belongs to no cluster of the proxy.",
  route_ambiguous: "Routes differ only by what the access log lacks.",
  route_unmatched: "No row of the proxy's route table takes it.",
  forgeable:
    "More than one reading of the line is possible. A request is counted by the likeliest one, though whoever called could have made it look so; a connection under what is sure, which may be the node alone.",
}

/** Requests and connections of a row. */
function countOf({ numbers, tcp }: Pick<RouteRow, "numbers" | "tcp">): number {
  return numbers.requests + (tcp?.opened ?? 0)
}

/** What could not be given to a resource, so that nothing is dropped in silence. */
export function unmappedView(board: Board): UnmappedView {
  const seconds = board.reading.rateMs / 1000
  const doubts = board.reading.unmapped.groups.flatMap((group) => {
    const labels = named(UNMAPPED_BY, group)
    const count = total(group.values)
    const reason = DOUBTS.find((word) => word === labels.get("reason"))
    const gateway = labels.get("virtual_gateway") ?? ""
    if (count === 0) return []
    return [
      {
        reason: labels.get("reason") ?? "",
        meaning: reason === undefined ? "" : MEANINGS[reason],
        mesh: labels.get("mesh") ?? "",
        proxy: labels.get("proxy") ?? "",
        resource: gateway === "" ? (labels.get("virtual_node") ?? "") : gateway,
        count,
        perSecond: count / seconds,
      },
    ]
  })
  return {
    ...board.head,
    doubts: doubts.toSorted((a, b) => b.count - a.count),
    rows: board.rows.filter((row) => row.synthetic !== null).toSorted((a, b) => countOf(b) - countOf(a)),
  }
}
