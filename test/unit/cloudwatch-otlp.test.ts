import { CloudWatchClient } from "@aws-sdk/client-cloudwatch"
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest"
import { COMMON_LABELS, METRICS } from "#mesh/catalogue.ts"
import { systemClock } from "#mesh/clock.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeAwsClientHolder } from "../../agent/publish/aws/client-holder.ts"
import {
  makeCloudWatchOtlpExport,
  makeCloudWatchOtlpSink,
} from "../../agent/publish/cloudwatch-otlp/cloudwatch-otlp.ts"
import type { QueueRecord } from "../../agent/publish/contract.ts"
import { stubBareEnvironment } from "../fake/aws/bare-environment.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"

const RESOURCE = { "service.name": "meshscope-agent", "service.instance.id": "node-1" }

/** The environment in which the SDK finds the fake and nothing else. */
async function fakeAws(): Promise<FakeAws> {
  const aws = await startFakeAws()
  onTestFinished(() => aws.stop())
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value)
  return aws
}

beforeEach(stubBareEnvironment)
afterEach(() => void vi.unstubAllEnvs())

function sending() {
  const ledger = openLedger({ folder: temporaryFolder(), clock: systemClock, common: { mesh: "yelb" } })
  onTestFinished(() => ledger.close())
  const records: QueueRecord[] = []
  const outbox = {
    append: (key: string, timeMs: number, payload: Uint8Array, count = 1) =>
      void records.push({ key, timeMs, count, payload }),
  }
  const made = makeCloudWatchOtlpExport(
    { resource: RESOURCE, scope: { name: "meshscope-agent", version: "1" }, fullEveryMs: 240_000 },
    { snapshot: ledger.snapshot, clock: systemClock, outbox },
  )
  const sdk = makeAwsClientHolder((own) => Promise.resolve(new CloudWatchClient(own)))
  const sink = makeCloudWatchOtlpSink({ clock: systemClock, sdk })
  onTestFinished(async () => {
    await sink.stop()
    await sdk.stop()
  })
  const write = async (): Promise<unknown[]> => {
    const results: unknown[] = []
    for (const { body } of sink.split(records.splice(0), Date.now()).requests)
      results.push(await sink.write(body, AbortSignal.timeout(10_000)))
    return results
  }
  const tick = async (): Promise<void> => {
    ledger.commit()
    await made.tick()
  }
  return { ledger, records, tick, write, sink }
}

test("the whole catalogue arrives in requests that the endpoint takes, with the ledger's values", async () => {
  const aws = await fakeAws()
  const { ledger, records, tick, write } = sending()
  for (let route = 0; route < 1500; route++)
    ledger.add(ledger.slot("requests", { route: `r${route}` }), route + 1)
  for (let route = 0; route < 700; route++)
    ledger.observe(ledger.slot("duration", { route: `r${route}` }), 0.3, route + 1)
  const gauges = Array.from({ length: 1100 }, (_, proxy) => ledger.slot("proxyUp", { proxy: `p${proxy}` }))
  for (const slot of gauges) ledger.set(slot, 1)
  await tick()
  expect(records.map(({ count }) => count)).toEqual([1000, 1000, 1000, 300])
  expect(await write()).toEqual(Array.from({ length: 4 }, () => ({ kind: "accepted" })))
  expect(aws.otlp.points).toHaveLength(3300)
  const found = aws.otlp.points.find(({ attributes }) => attributes["route"] === "r1234")
  expect(found).toMatchObject({
    metric: "mesh_requests_total",
    temporality: 2,
    resource: RESOURCE,
    attributes: { mesh: "yelb" },
  })
  const sum = aws.otlp.points
    .filter(({ metric }) => metric === "mesh_requests_total")
    .reduce((all, { point }) => all + Number(Object(point["value"])["asDouble"] ?? point["asDouble"]), 0)
  expect(sum).toBe((1500 * 1501) / 2)
  for (const slot of gauges) ledger.retire(slot)
  await tick()
  expect(records.map(({ count }) => count)).toEqual([1000, 100])
  expect(await write()).toEqual([{ kind: "accepted" }, { kind: "accepted" }])
})

test("each tick of an outage is kept, with its own time", async () => {
  const aws = await fakeAws()
  const { ledger, records, tick, write } = sending()
  for (let round = 0; round < 3; round++) {
    ledger.add(ledger.slot("requests", { route: "a" }), 1)
    await new Promise((resolve) => setTimeout(resolve, 3))
    await tick()
  }
  const kept = records.slice()
  aws.fail("otlp:metrics", { kind: "error", status: 503 }, 1)
  expect(await write()).toMatchObject([{ kind: "retry" }, { kind: "accepted" }, { kind: "accepted" }])
  expect(new Set(kept.map(({ timeMs }) => timeMs)).size).toBe(3)
})

test("without region and credentials it starts, says what to set, and goes on once they are there", async () => {
  const { ledger, records, tick, write, sink } = sending()
  await sink.start()
  ledger.add(ledger.slot("requests", { route: "a" }), 1)
  await tick()
  const kept = records.slice()
  expect(await write()).toEqual([{ kind: "retry", why: expect.stringMatching(/^No AWS region is set/) }])
  const aws = await fakeAws()
  vi.stubEnv("AWS_ACCESS_KEY_ID", undefined)
  const other = sending()
  other.records.push(...kept)
  expect(await other.write()).toEqual([
    { kind: "retry", why: expect.stringMatching(/^No AWS credentials are found/) },
  ])
  vi.stubEnv("AWS_ACCESS_KEY_ID", "AKIDWRONG")
  other.records.push(...kept)
  expect(await other.write()).toEqual([
    { kind: "retry", why: expect.stringMatching(/^AWS does not accept the credentials/) },
  ])
  vi.stubEnv("AWS_ACCESS_KEY_ID", aws.credentials.accessKeyId)
  other.records.push(...kept)
  expect(await other.write()).toEqual([{ kind: "accepted" }])
})

test("no metric can have more labels than the endpoint takes", () => {
  const most = Math.max(...Object.values(METRICS).map(({ labels }) => labels.length))
  // Resource: service.name, service.instance.id, service.version, host.name.
  expect(COMMON_LABELS.length + most + 4).toBeLessThanOrEqual(150)
})
