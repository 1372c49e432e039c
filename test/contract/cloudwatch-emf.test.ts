import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  PutLogEventsCommand,
} from "@aws-sdk/client-cloudwatch-logs"
import { expect, onTestFinished, test } from "vitest"
import { metricSets } from "#mesh/cloudwatch/metric-sets.ts"
import { bucketOf } from "#mesh/histogram.ts"
import { sdkClients } from "../fake/aws/clients.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"
import { routeLabels, telling } from "../fixtures/cloudwatch/telling.ts"

/** Puts all documents of an agent into the strict fake AWS, by the real SDK, as log events. */
async function delivered(agent: ReturnType<typeof telling>): Promise<FakeAws> {
  const fake = await startFakeAws()
  const clients = sdkClients(fake)
  const { logs } = clients
  onTestFinished(async () => {
    clients.destroy()
    await fake.stop()
  })
  const { records } = agent.world.outbox
  for (const logGroupName of new Set(records.map(({ key }) => key))) {
    const stream = { logGroupName, logStreamName: "agent" }
    await logs.send(new CreateLogGroupCommand({ logGroupName }))
    await logs.send(new CreateLogStreamCommand(stream))
    const logEvents = records
      .filter(({ key }) => key === logGroupName)
      .map(({ timeMs, payload }) => ({ timestamp: timeMs, message: Buffer.from(payload).toString() }))
    await logs.send(new PutLogEventsCommand({ ...stream, logEvents }))
  }
  return fake
}

/** The SDK signs with the time of this machine: the agent began an hour ago. */
const lately = (agent: ReturnType<typeof telling>): void =>
  agent.clock.advance(Date.now() - 3_600_000 - agent.clock.now())

test("CloudWatch makes of the documents what the ledger counted: sums, averages, and percentiles within a bucket", async () => {
  const agent = telling()
  lately(agent)
  const seconds = Array.from({ length: 997 }, (_, at) => (((at * 7919) % 997) + 1) ** 3 / 4e8)
  for (const [at, one] of seconds.entries()) {
    agent.observe(routeLabels("checkout"), one)
    agent.add(routeLabels("checkout", { outcome: at % 10 === 0 ? "error" : "ok" }), 1)
    if (at % 100 === 0) agent.told()
  }
  agent.told()
  const fake = await delivered(agent)
  expect([...fake.metrics.emfErrors]).toEqual([])
  const about = {
    namespace: "Meshscope",
    dimensions: { mesh: "m", virtual_service: "s.local", route: "checkout" },
  }
  expect(fake.metrics.statistics({ ...about, name: "requests" })?.sum).toBe(997)
  expect(fake.metrics.statistics({ ...about, name: "errors" })?.sum).toBe(100)
  const duration = fake.metrics.statistics({ ...about, name: "duration" })
  expect(duration?.count).toBe(997)
  expect(duration?.sum).toBeCloseTo(
    seconds.reduce((sum, one) => sum + one, 0),
    6,
  )
  const sorted = seconds.toSorted((one, other) => one - other)
  for (const percent of [50, 90, 95, 99, 99.9]) {
    const truth = sorted[Math.ceil((percent / 100) * 997) - 1] ?? Number.NaN
    const told = fake.metrics.percentile({ ...about, name: "duration" }, percent) ?? Number.NaN
    expect(Math.abs(bucketOf(told) - bucketOf(truth))).toBeLessThanOrEqual(1)
  }
})

test("hostile names, App Mesh's names and an overflow make metrics as well, and no document is refused", async () => {
  for (const naming of ["meshscope", "appmesh", "appmesh-cwagent"] as const) {
    const agent = telling({ sets: metricSets(naming), maxMetrics: 60 })
    lately(agent)
    for (const name of ['"}', "\u0000\u001B[31m", "x".repeat(2000), "__proto__", "ü", " ", "constructor"]) {
      const more = { source: "ui", virtual_node: name, code_class: "2xx", protocol: "http" }
      for (let copy = 0; copy < 5; copy++) agent.add(routeLabels(`${name}${copy}`, more), 1)
      agent.add({ mesh: "m", reporter: "destination", virtual_node: name, protocol: "grpc" }, 1)
    }
    agent.told()
    const fake = await delivered(agent)
    expect([...fake.metrics.emfErrors]).toEqual([])
    const called = naming === "meshscope" ? "requests" : /RequestCountPerTarget$/
    const sums = fake.metrics.series
      .filter(({ name, dimensions }) => name.match(called) && !("virtual_node" in dimensions))
      .map(({ points }) => points.reduce((sum, { statistics }) => sum + statistics.sum, 0))
    expect(sums.reduce((sum, one) => sum + one, 0)).toBe(35)
  }
})
