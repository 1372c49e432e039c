import { onTestFinished } from "vitest"
import type { KubeAccess } from "../../../kubernetes/access.ts"
import { makeKubeApi } from "../../../kubernetes/api.ts"
import type { KubeObject, KubeResource, WatchScope } from "../../../kubernetes/contract.ts"
import type { KubeLimits } from "../../../kubernetes/limits.ts"
import { systemClock } from "../../../mesh/clock.ts"
import { type FakeKube, type FakeKubeOptions, startFakeKube } from "./fake-kube.ts"

/** Waits in a test are short. */
const SOON: Partial<KubeLimits> = { firstRetryMs: 5, mostRetryMs: 20, relistMs: 5, unknownMs: 20 }

/** A fake API server that ends with the test. */
export async function fakeKube(options?: FakeKubeOptions): Promise<FakeKube> {
  const fake = await startFakeKube(options)
  onTestFinished(() => fake.stop())
  return fake
}

/** Resolves when something holds; rejects after a while, with what was seen. */
export async function until(
  holds: () => boolean,
  seen: () => unknown = () => "",
  ms = 15_000,
): Promise<void> {
  const end = performance.now() + ms
  while (!holds()) {
    if (performance.now() > end) throw new Error(`not within ${ms} ms: ${JSON.stringify(seen())}`)
    await new Promise((resolve) => setTimeout(resolve, 2))
  }
}

/** A watch under way, and what it told: names of each set in order, and problems with `mended` for their end. */
export function watching(
  access: Pick<KubeAccess, "server"> & Partial<KubeAccess>,
  resource: KubeResource,
  scope: WatchScope = {},
  limits: Partial<KubeLimits> = {},
) {
  const sets: string[][] = []
  const problems: string[] = []
  let last: ReadonlyMap<string, KubeObject> = new Map()
  const stop = new AbortController()
  const api = makeKubeApi(access, { clock: systemClock, random: () => 0.5 }, { ...SOON, ...limits })
  const ended = api.watch(
    resource,
    scope,
    {
      changed(objects) {
        last = objects
        sets.push([...objects.keys()].toSorted())
      },
      problem: (error) => problems.push(error === undefined ? "mended" : error.message),
    },
    stop.signal,
  )
  const end = async (): Promise<void> => {
    stop.abort()
    await ended
  }
  onTestFinished(end)
  return { sets, problems, end, last: () => last, newest: () => sets.at(-1) }
}
