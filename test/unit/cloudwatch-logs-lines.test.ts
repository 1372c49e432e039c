import { expect, test } from "vitest"
import type { ProxyIdentity } from "#mesh/proxy.ts"
import {
  type LogLineProducerConfig,
  MAX_GROUPS,
  makeLogLineProducer,
} from "../../agent/publish/cloudwatch-logs/line-producer.ts"
import { MAX_EVENT_BYTES, splitLogEvents } from "../../agent/publish/cloudwatch-logs/split.ts"
import { factOf, PROXY, resolutionOf } from "./line-facts.ts"

const NOW = Date.UTC(2026, 10, 21, 18, 30)
const CONFIG: LogLineProducerConfig = {
  group: "/meshscope/{mesh}/access",
  cluster: "prod",
  healthChecks: "drop",
  sample2xx: 1,
  query: "drop",
}

interface Appended {
  readonly key: string
  readonly timeMs: number
  readonly payload: Buffer
  readonly count: number
}
function producing(config: Partial<LogLineProducerConfig> = {}) {
  const records: Appended[] = []
  const outbox = {
    // As the contract says: what is given is overwritten by the next line.
    append: (key: string, timeMs: number, payload: Uint8Array, count = 1) =>
      void records.push({ key, timeMs, payload: Buffer.from(payload), count }),
  }
  const producer = makeLogLineProducer({ ...CONFIG, ...config }, { outbox, now: () => NOW })
  return { producer, records }
}
const line = (records: readonly Appended[], index = 0): Record<string, unknown> =>
  JSON.parse(records[index]?.payload.toString() ?? "null")

test("a line becomes an event of its mesh's group at its own time", () => {
  const { producer, records } = producing()
  const startTime = "2026-11-21T18:29:59.500Z"
  producer.line(factOf({ startTime, path: "/a?token=secret" }, { code: 200 }), resolutionOf(), PROXY)
  expect(records).toMatchObject([{ key: "/meshscope/yelb/access", timeMs: Date.parse(startTime), count: 1 }])
  expect(line(records)).toMatchObject({ time: startTime, path: "/a", virtual_node: "appserver-v1" })
})

test("each line's record is its own", () => {
  const { producer, records } = producing()
  for (const path of ["/first", "/second-and-longer", "/3"]) {
    producer.line(factOf({ path }, { code: 200 }), resolutionOf(), PROXY)
  }
  expect(records.map((_, index) => line(records, index)["path"])).toEqual([
    "/first",
    "/second-and-longer",
    "/3",
  ])
})

test("what the filter leaves out is counted and not sent", () => {
  const { producer, records } = producing({ sample2xx: 0 })
  producer.line(factOf({}, { code: 200 }), resolutionOf({ kind: "health_check" }), PROXY)
  producer.line(factOf({ requestId: "a" }, { code: 200 }), resolutionOf(), PROXY)
  producer.line(factOf({ requestId: "a" }, { code: 500 }), resolutionOf(), PROXY)
  expect(records).toHaveLength(1)
  expect(producer.leftOut).toEqual({ health_check: 1, sampled: 1 })
})

test("the longest line is an event that is taken", () => {
  const { producer, records } = producing()
  const long = "\u0000".repeat(400_000)
  producer.line(factOf({ path: long, userAgent: long }, { code: 200 }), resolutionOf(), PROXY)
  expect(line(records)).toMatchObject({ truncated: true })
  expect(records[0]?.payload.length).toBeGreaterThan(MAX_EVENT_BYTES - 20)
  expect(splitLogEvents(records, NOW).refused.size).toBe(0)
})

test("a proxy that keeps changing its name cannot make groups without end", () => {
  const { producer, records } = producing()
  for (let index = 0; index < MAX_GROUPS + 50; index++) {
    const proxy: ProxyIdentity = { ...PROXY, mesh: `mesh-${index}/../x` }
    producer.line(factOf({}, { code: 200 }), resolutionOf(), proxy)
  }
  const groups = new Set(records.map(({ key }) => key))
  expect(groups.size).toBe(MAX_GROUPS + 1)
  expect(records[0]?.key).toBe("/meshscope/mesh-0_.._x/access")
  expect(records.at(-1)?.key).toBe("/meshscope/overflow/access")
})
