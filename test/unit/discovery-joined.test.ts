import { expect, test } from "vitest"
import type { Discovery } from "../../agent/discover/contract.ts"
import { joined } from "../../agent/discover/joined.ts"
import type { ProxyTarget } from "../../mesh/proxy.ts"

const target = (name: string, port: number, logs: string[] = []): ProxyTarget => ({
  name,
  admin: { kind: "tcp", host: "10.0.0.1", port },
  logs,
})

/** A discovery whose groups the test tells. */
class Told implements Discovery {
  tell: (targets: readonly ProxyTarget[]) => void = () => undefined
  run(emit: (targets: readonly ProxyTarget[]) => void, signal: AbortSignal): Promise<void> {
    this.tell = emit
    return new Promise((resolve) => {
      signal.addEventListener("abort", () => resolve())
    })
  }
}

function both() {
  const [one, other] = [new Told(), new Told()]
  const groups: string[][] = []
  const reports: string[] = []
  const ending = new AbortController()
  const waited = Promise.withResolvers<void>()
  const clock = { sleep: () => waited.promise }
  const report = (error: Error): unknown => reports.push(error.message)
  const run = joined([one, other], { clock, report }).run((targets) => {
    groups.push(targets.map(({ name }) => name))
  }, ending.signal)
  const timeOver = async (): Promise<void> => {
    waited.resolve()
    await waited.promise
  }
  return { one, other, groups, reports, timeOver, end: () => (ending.abort(), waited.resolve(), run) }
}

test("nothing is told before each has told its first: else the other's proxies would look gone", async () => {
  const { one, other, groups, end } = both()
  one.tell([target("a", 1)])
  expect(groups).toEqual([])
  other.tell([])
  one.tell([target("a", 1), target("b", 2)])
  expect(groups).toEqual([["a"], ["a", "b"]])
  await end()
})

test("one that never tells does not keep the other's proxies from being read", async () => {
  const { one, other, groups, timeOver, end } = both()
  one.tell([target("a", 1)])
  await timeOver()
  expect(groups).toEqual([["a"]])
  other.tell([target("b", 2)])
  expect(groups).toEqual([["a"], ["a", "b"]])
  await end()
})

test("a proxy that both found, by its address or a log, is the first one's", async () => {
  const { one, other, groups, reports, end } = both()
  other.tell([target("x", 1), target("y", 3, ["/log/2"]), target("z", 4)])
  one.tell([target("a", 1), target("b", 2, ["/log/2"])])
  expect(groups).toEqual([["a", "b", "z"]])
  expect(reports).toEqual([])
  await end()
})

test("two proxies of one name: the first one stays, and it is said", async () => {
  const { one, other, groups, reports, end } = both()
  one.tell([target("a", 1)])
  other.tell([target("a", 2), target("b", 3)])
  expect(groups).toEqual([["a", "b"]])
  expect(reports).toEqual(["Two discoveries found proxies of the name a; the second one is left out."])
  await end()
})
