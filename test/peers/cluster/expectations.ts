import { setTimeout as sleep } from "node:timers/promises"
import { expect } from "vitest"
import type { ProxiesView } from "../../../collector/view/proxies.ts"
import type { Counts } from "../../live/rig/counts.ts"
import { pageCounts } from "../../live/rig/page-counts.ts"
import { apiByRoute, truthByRoute } from "../../live/rig/routes-told.ts"
import {
  HEALTH_CHECK_NAMES,
  REQUEST_NAMES,
  TCP_NAMES,
  truthConnections,
  truthHealthChecks,
  truthRequests,
} from "../../live/rig/truth-counts.ts"
import type { Release } from "./release.ts"
import type { Subject } from "./subject.ts"

export const SOON = { timeout: 30_000, interval: 500 }

/** Everything that was counted, by the agent and by the collector, is exactly what happened. */
export async function expectTruth({ stage, release }: Subject): Promise<void> {
  const truth = await stage.truth()
  const told = async (metric: string, names: readonly string[]): Promise<Counts> =>
    pageCounts((await release.page()) ?? "", metric, names)
  const { poll } = expect
  await poll(() => told("mesh_requests_total", REQUEST_NAMES), SOON).toEqual(truthRequests(truth.requests))
  await poll(() => told("mesh_health_check_requests_total", HEALTH_CHECK_NAMES), SOON).toEqual(
    truthHealthChecks(truth),
  )
  await poll(() => told("mesh_tcp_connections_opened_total", TCP_NAMES), SOON).toEqual(
    truthConnections(truth),
  )
  const ask = <T>(path: string): Promise<T> => release.ask(`/api/v1${path}`)
  await poll(() => apiByRoute(ask), SOON).toEqual(truthByRoute(truth.requests))
}

/** What was well before still is: each proxy answers, and what happens now is counted. */
export async function expectUndisturbed(subject: Subject): Promise<void> {
  await subject.stage.run(60)
  await expectTruth(subject)
  const { rows } = await subject.release.ask<ProxiesView>("/api/v1/proxies?window=5m")
  expect(rows.map(({ state }) => state)).toEqual(subject.stage.fleet.proxies.map(() => "live"))
}

/** Looks at the agent's page until the end, whenever there is one. @returns how often it saw one */
export async function watchPages(
  release: Release,
  take: (text: string) => void,
  end: AbortSignal,
): Promise<number> {
  let seen = 0
  while (!end.aborted) {
    const text = await release.page()
    if (text !== undefined) {
      take(text)
      seen++
    }
    await sleep(500)
  }
  return seen
}

/** The same with every list in the order of names: the API server lists by name, a file as it was written. */
export function byName(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value
  if (!Array.isArray(value)) {
    return Object.fromEntries(Object.entries(value).map(([key, own]) => [key, byName(own)]))
  }
  return value.map(byName).toSorted((a, b) => nameIn(a).localeCompare(nameIn(b)))
}

const nameIn = (one: unknown): string => (one as { name?: string }).name ?? ""
