import type { Answer, Completeness } from "./answer.ts"
import { total } from "./fact.ts"
import type { Proxy } from "./proxy-list.ts"
import type { Reading } from "./reading.ts"
import { timeText } from "./time-text.ts"

/** What an answer rests on. */
export function completenessOf(reading: Reading, proxies: readonly Proxy[]): Completeness {
  const reporting = reading.agents.filter((agent) => agent.lastSeenMs >= reading.silentBeforeMs)
  const answered = proxies.filter((proxy) => proxy.answered).length
  const newest = reading.agents.reduce((last, agent) => Math.max(last, agent.lastSeenMs), 0)
  const dataMs = Math.min(newest, reading.endMs)
  return {
    complete:
      reading.agents.length > 0 && reporting.length === reading.agents.length && answered === proxies.length,
    proxiesKnown: proxies.length,
    proxiesAnswered: answered,
    agentsKnown: reading.agents.length,
    agentsSeen: reporting.length,
    unaccountedRatio: unaccountedRatio(reading),
    dataAt: newest === 0 ? null : timeText(dataMs),
    dataAgeSeconds: newest === 0 ? null : Math.max(0, Math.round((reading.nowMs - dataMs) / 1000)),
    dataFrom: newest === 0 ? null : timeText(reading.knownFromMs),
    storeProblem: reading.store.problem ?? null,
  }
}

function unaccountedRatio(reading: Reading): number | null {
  const missed = reading.unaccounted.groups.reduce((sum, group) => sum + total(group.values), 0)
  const counted = reading.requests.reduce((sum, fact) => sum + fact.count, 0)
  return missed + counted === 0 ? null : missed / (missed + counted)
}

/** The head of every answer. */
export function answerHead(reading: Reading, completeness: Completeness): Answer {
  return {
    generatedAt: timeText(reading.endMs),
    windowSeconds: reading.windowMs / 1000,
    mesh: reading.mesh,
    complete: completeness.complete,
    completeness,
  }
}
