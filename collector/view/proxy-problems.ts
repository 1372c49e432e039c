import { PROBLEM_REASONS, type ProblemReason } from "#mesh/page-problem.ts"
import type { GaugeRow } from "../store/series-store.ts"
import type { ProxyWord } from "./proxies.ts"
import { timeText } from "./time-text.ts"

/** An admin page of a proxy that its agent could not read. */
export interface PageProblem {
  /** As the agent names it: `stats`, `config_dump`, `clusters`, `histograms`, `certs`, `server_info`. */
  readonly page: string
  readonly reason: ProblemReason
  readonly since: string
}

const REASON_WORDS: Readonly<Record<ProblemReason, string>> = {
  unreachable: "no connection to its admin interface",
  refused: "its admin interface refuses the page",
  busy: "what stands before it is asked too often",
  timeout: "its admin interface does not answer in time",
  too_large: "its page is larger than the agent may read",
  bad_answer: "its admin interface answers something else than Envoy's page",
}

/** Problems of one proxy, `stats` first: that page decides whether it counts as up. */
export function problemsOf(rows: readonly GaugeRow[]): PageProblem[] {
  const first = ({ page }: PageProblem): number => (page === "stats" ? 0 : 1)
  return rows
    .flatMap((row) => {
      const reason = PROBLEM_REASONS.find((word) => word === row.labels.get("reason"))
      const page = row.labels.get("page") ?? ""
      return row.value === 1 && reason !== undefined ? [{ page, reason, since: timeText(row.sinceMs) }] : []
    })
    .toSorted((a, b) => first(a) - first(b) || (a.page < b.page ? -1 : 1))
}

/** What decides why a proxy is not simply live. */
export interface Asked {
  readonly state: ProxyWord
  /** False: where it runs nothing can be asked of it. */
  readonly asked: boolean
  readonly agent: string
  readonly controlPlane: boolean | null
  readonly problems: readonly PageProblem[]
}

/** Why a proxy is in its state, without a full stop; null for a live one. What was not told is not guessed. */
export function whyState({ state, asked, agent, controlPlane, problems }: Asked): string | null {
  switch (state) {
    case "live":
      return null
    case "down":
      return problemText(problems, "stats") ?? "its agent does not say why"
    case "silent":
      return `agent ${agent} reports no more`
    case "initializing":
      return `part of its configuration has not come yet${controlPlane === false ? ", and no control plane is connected" : ""}`
    case "draining":
      return "it was told to take no new requests"
    case "unknown":
      if (!asked) return "nothing can be asked of it where it runs, and what it logs is all that is known"
      return problemText(problems, "config_dump") ?? "its agent does not tell its state"
  }
}

function problemText(problems: readonly PageProblem[], page: string): string | undefined {
  const found = problems.find((problem) => problem.page === page)
  return found === undefined ? undefined : REASON_WORDS[found.reason]
}
