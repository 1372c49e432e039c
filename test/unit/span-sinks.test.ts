import { createServer } from "node:http"
import { XRayClient } from "@aws-sdk/client-xray"
import { afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { type Span, STATUS_OK } from "#mesh/span.ts"
import { HttpIntake } from "../../agent/collect/receive/http-intake.ts"
import { OTLP_ANSWERS, type Taken, ZIPKIN_ANSWERS } from "../../agent/collect/receive/http-intake-answer.ts"
import { readOtlpProtobuf } from "../../agent/decode/spans/otlp-protobuf.ts"
import { readZipkinJson } from "../../agent/decode/spans/zipkin-json.ts"
import { makeAwsClientHolder } from "../../agent/publish/aws/client-holder.ts"
import type { Outbox, QueueRecord, Sink, SpanConsumer, WriteResult } from "../../agent/publish/contract.ts"
import {
  makeCloudWatchTracesSink,
  makeOtlpTracesProducer,
  makeOtlpTracesSink,
} from "../../agent/publish/otlp-traces/traces-sink.ts"
import { zipkinJson } from "../../agent/publish/zipkin/span-json.ts"
import { makeZipkinProducer, makeZipkinSink } from "../../agent/publish/zipkin/zipkin-sink.ts"
import { stubBareEnvironment } from "../fake/aws/bare-environment.ts"
import { startFakeAws } from "../fake/aws/fake-aws.ts"
import { onLoopback } from "../fixtures/http/loopback.ts"
import { Kept, smallSpan } from "../fixtures/spans/span-arbitrary.ts"

const AT_US = Math.floor(Date.now() / 1000) * 1_000_000
const PROXY = {
  mesh: "yelb",
  flavor: "app-mesh",
  role: "sidecar",
  resource: "ui-node",
  direction: "egress",
  cluster: "cds_egress_yelb_app_http_80",
  target: "app-node",
  virtualService: "app",
  route: "app-route",
  flags: "UF,URX",
} as const
const SPAN = smallSpan({
  startUs: AT_US,
  endUs: AT_US + 20_000,
  kind: "client",
  http: { method: "GET", url: "http://app/a", status: 503 },
  status: { ...STATUS_OK, fault: true },
  proxy: PROXY,
})

/** Producer, records and sink in a row, as the agent joins them. */
function sending(sink: Sink<Uint8Array>, produce: (outbox: Outbox) => SpanConsumer) {
  const records: QueueRecord[] = []
  const producer = produce({
    append: (key, timeMs, payload, count = 1) =>
      void records.push({ key, timeMs, count, payload: Uint8Array.from(payload) }),
  })
  onTestFinished(() => sink.stop())
  return async (...spans: readonly Span[]): Promise<WriteResult[]> => {
    for (const span of spans) producer.span(span)
    const results: WriteResult[] = []
    for (const { body } of sink.split(records.splice(0), Date.now()).requests)
      results.push(await sink.write(body, AbortSignal.timeout(5000)))
    return results
  }
}

/** Our own intake as the receiver. */
async function receiver(answer: () => Taken = () => ({ kind: "taken", rejected: 0 })) {
  const kept = new Kept()
  const config = {
    listen: { host: "127.0.0.1", port: 0 },
    setting: "test",
    maxBodyBytes: 1e6,
    maxInflatedBytes: 1e6,
    maxConnections: 10,
    timeoutMs: 5000,
  }
  const take =
    (read: typeof readZipkinJson) =>
    (body: Buffer): Taken => {
      read(body, kept)
      return answer()
    }
  const intake = new HttpIntake(config, [
    { path: "/api/v2/spans", answers: ZIPKIN_ANSWERS, take: take(readZipkinJson) },
    { path: "/v1/traces", answers: OTLP_ANSWERS, take: take(readOtlpProtobuf) },
  ])
  const url = await intake.start()
  onTestFinished(() => intake.stop())
  return { url, kept, intake }
}

const otlpTo = (url: string) =>
  sending(makeOtlpTracesSink({ url: `${url}/v1/traces` }, { clock: systemClock }), (outbox) =>
    makeOtlpTracesProducer(outbox, () => {}),
  )
const zipkinTo = (url: string) =>
  sending(makeZipkinSink({ url: `${url}/api/v2/spans` }, { clock: systemClock }), makeZipkinProducer)

describe.each([
  ["OTLP", otlpTo],
  ["Zipkin", zipkinTo],
])("%s", (_name, sendTo) => {
  test("spans arrive, with the names of the mesh", async () => {
    const { url, kept } = await receiver()
    expect(await sendTo(url)(SPAN, smallSpan())).toEqual([{ kind: "accepted" }])
    expect(kept.spans.map(({ id, status }) => [id, status.fault])).toEqual([
      [SPAN.id, true],
      ["b".repeat(16), false],
    ])
    const [span] = kept.spans
    expect(Object.fromEntries([...(span?.resource ?? []), ...(span?.attributes ?? [])])).toEqual({
      "mesh.name": "yelb",
      "mesh.flavor": "app-mesh",
      "mesh.virtual_node": "ui-node",
      "mesh.direction": "egress",
      "mesh.target": "app-node",
      "mesh.virtual_service": "app",
      "mesh.route": "app-route",
      upstream_cluster: "cds_egress_yelb_app_http_80",
      response_flags: "UF,URX",
    })
  })

  test("a receiver that is full is tried again when it says; one that is away as well", async () => {
    const { url, intake } = await receiver(() => ({ kind: "busy", afterS: 9 }))
    const send = sendTo(url)
    expect(await send(SPAN)).toMatchObject([{ kind: "retry", afterMs: 9000 }])
    await intake.stop()
    expect(await send(SPAN)).toMatchObject([{ kind: "retry", why: expect.stringContaining("ECONN") }])
  })

  test("a receiver that has no such path refuses for good", async () => {
    const { url } = await receiver()
    expect(await sendTo(`${url}/elsewhere`)(SPAN)).toMatchObject([{ kind: "rejected", reason: "not_found" }])
  })
})

/** A receiver that answers everything with one status. */
async function answering(status: number): Promise<string> {
  const server = createServer((request, response) => {
    request.resume().on("end", () => response.writeHead(status).end())
  })
  const { url, stop } = await onLoopback(server)
  onTestFinished(stop)
  return url
}

test("a 500 is a Zipkin whose storage fails, and is tried again; OTLP forbids that", async () => {
  const url = await answering(500)
  expect(await zipkinTo(url)(SPAN)).toMatchObject([{ kind: "retry" }])
  expect(await otlpTo(url)(SPAN)).toMatchObject([{ kind: "rejected", reason: "refused" }])
  expect(await zipkinTo(await answering(400))(SPAN)).toMatchObject([{ kind: "rejected", reason: "invalid" }])
})

test("OTLP tells how many spans were refused", async () => {
  const { url } = await receiver(() => ({ kind: "taken", rejected: 1, why: "no" }))
  expect(await otlpTo(url)(SPAN)).toEqual([{ kind: "accepted", rejectedCount: 1, why: "no" }])
})

test("a span that has not ended goes to Zipkin without duration, and not by OTLP", () => {
  const open = smallSpan({ endUs: undefined })
  expect(JSON.parse(zipkinJson(open))).not.toHaveProperty("duration")
  let unfinished = 0
  const outbox = { append: () => expect.unreachable() }
  makeOtlpTracesProducer(outbox, () => unfinished++).span(open)
  expect(unfinished).toBe(1)
})

function cloudwatch() {
  const sdk = makeAwsClientHolder((own) => Promise.resolve(new XRayClient(own)))
  onTestFinished(() => sdk.stop())
  return sending(makeCloudWatchTracesSink({ clock: systemClock, sdk }), (outbox) =>
    makeOtlpTracesProducer(outbox, () => {}),
  )
}

describe("CloudWatch", () => {
  beforeEach(stubBareEnvironment)
  afterEach(() => void vi.unstubAllEnvs())

  test("signed requests within its limits are taken whole", async () => {
    const aws = await startFakeAws()
    onTestFinished(() => aws.stop())
    for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value)
    const many = Array.from({ length: 10_500 }, (_, index) =>
      smallSpan({
        id: (index + 1).toString(16).padStart(16, "0"),
        // Over 50 hours, oldest last, and far too old.
        startUs: AT_US - (index % 51) * 3_600_000_000,
        endUs: AT_US,
        attributes: new Map([["own.text", "x".repeat(index % 400)]]),
      }),
    )
    const tooOld = smallSpan({ startUs: AT_US - 15 * 86_400_000_000, endUs: AT_US })
    const results = await cloudwatch()(...many, SPAN, tooOld)
    expect(new Set(results.map(({ kind }) => kind))).toEqual(new Set(["accepted"]))
    expect(results.filter((result) => "rejectedCount" in result)).toEqual([])
    expect(aws.otlp.spans).toHaveLength(10_501)
    // Whole days, not one request for each time that it goes back.
    expect(results.length).toBeLessThan(6)
    expect(aws.otlp.spans.find(({ span }) => span["spanId"] === SPAN.id)?.resource).toMatchObject({
      "service.name": "ui",
      "mesh.virtual_node": "ui-node",
    })
  })

  test("without region and credentials it says what is missing, and is tried again", async () => {
    expect(await cloudwatch()(SPAN)).toMatchObject([
      { kind: "retry", why: expect.stringContaining("No AWS region is set") },
    ])
  })
})
