import { spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { text } from "node:stream/consumers"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { type FakeAws, startFakeAws } from "../../fake/aws/fake-aws.ts"
import { isObject } from "../../fake/aws/operation.ts"
import { AgentProcess } from "../rig/agent-process.ts"
import { freePort } from "../rig/free-port.ts"
import { MemoryWatch } from "./memory-watch.ts"
import { exportedBy, sample } from "./page.ts"
import {
  attribute,
  BOMB,
  HEADER,
  HOST,
  MIB,
  otlpBody,
  otlpSpan,
  post,
  type Sent,
  segment,
  sendDatagrams,
  zipkinSpan,
} from "./senders.ts"

/** What comes to the intakes of a whole agent: X-Ray's own SDK, and what is no good, with good spans among it. */
const SDK_PROGRAM = join(import.meta.dirname, "../../fixtures/spans/xray-sdk-program.ts")
const SENDER = join(import.meta.dirname, "../../fixtures/xray/flood-sender.ts")
/** Datagrams of each wave. */
const FLOOD = 20_000
/** A document of X-Ray may have 64 KB. */
const LARGE = "x".repeat(200_000)

let fake: FakeAws
let agent: AgentProcess
let runDir: string
let memory: MemoryWatch
/** Subsegments that came inside of their segment, and leave inside of it. */
let carried = 0
const port = { page: 0, xray: 0, zipkin: 0, otlp: 0 }

beforeAll(async () => {
  fake = await startFakeAws()
  runDir = await mkdtemp(join(tmpdir(), "meshscope-intakes-"))
  for (const name of ["page", "xray", "zipkin", "otlp"] as const) port[name] = await freePort()
  agent = await AgentProcess.prepare(
    runDir,
    `${HOST}:${port.page}`,
    {
      agent: { id: "intakes", state: join(runDir, "state") },
      discover: { static: { targets: [] } },
      commit: "200ms",
      receive: {
        xray: { udp: `${HOST}:${port.xray}`, tcp: `${HOST}:${port.xray}` },
        zipkin: { listen: `${HOST}:${port.zipkin}` },
        otlp: { listen: `${HOST}:${port.otlp}`, grpc: `${HOST}:0` },
      },
      publish: { xray: {} },
    },
    { PATH: process.env["PATH"], HOME: runDir, ...fake.env },
  )
  agent.start()
  await agent.until(() => true)
  memory = new MemoryWatch(agent.pid ?? 0)
})

afterAll(async () => {
  memory?.stop()
  await agent?.end("SIGKILL")
  await fake?.stop()
  await rm(runDir, { recursive: true, force: true })
})

/** Resolves with the page when as many spans have arrived at the fake as the agent took, less those that X-Ray refused. */
const settled = (): Promise<string> =>
  agent.until((page) => {
    const { accepted, rejected, waiting } = exportedBy(page, "xray")
    const taken = sample(page, "mesh_agent_spans_total")
    const leftOut = sample(page, "mesh_agent_export_left_out_total", { sink: "xray" })
    return (
      waiting === 0 &&
      accepted + rejected + leftOut + carried === taken &&
      accepted === fake.xray.documents.length
    )
  }, 30_000)

const refused = (page: string, intake: string, reason: string): number =>
  sample(page, "mesh_agent_spans_refused_total", { intake, reason })
const intakes = (page: string, intake: string, result: string): number =>
  sample(page, "mesh_agent_intake_requests_total", { intake, result })

const toZipkin = (sent: Sent): Promise<number> => post(`http://${HOST}:${port.zipkin}/api/v2/spans`, sent)
const toOtlp = (sent: Sent): Promise<number> => post(`http://${HOST}:${port.otlp}/v1/traces`, sent)

test("X-Ray's own SDK finds the agent where it looks for the daemon: its segment, rules and targets pass", async () => {
  const address = `${HOST}:${port.xray}`
  const program = spawn(process.execPath, [SDK_PROGRAM], {
    env: { ...process.env, AWS_XRAY_DAEMON_ADDRESS: address },
    stdio: ["ignore", "pipe", "inherit"],
  })
  const said = await text(program.stdout)
  carried++
  expect(said).toBe("Default")
  const page = await agent.until((now) => exportedBy(now, "xray").accepted === 1)
  const [traceId = ""] = fake.xray.traceIds
  const parts = fake.xray.trace(traceId).map(({ name, top, document }) => [name, top, document["namespace"]])
  expect(parts).toEqual([
    ["shop", true, undefined],
    ["db", false, "remote"],
  ])
  expect(fake.xray.samplingStatistics.map(({ RuleName }) => RuleName)).toEqual(["Default"])
  expect(intakes(page, "xray-tcp", "passed")).toBe(2)
})

describe("X-Ray by UDP", () => {
  test("what is no segment is counted by reason, and the good ones among it are delivered", async () => {
    const bad = {
      no_id: segment({ id: undefined }),
      no_trace_id: segment({ trace_id: "1-5759e988" }),
      no_name: segment({ name: undefined }),
      bad_time: segment({ start_time: "now" }),
      bad_json: segment().slice(0, -1),
      too_deep: `{"a":${"[".repeat(2000)}`,
    }
    const before = fake.xray.documents.length
    const udp = intakes((await agent.page()) ?? "", "xray-udp", "ok")
    const datagrams = Object.values(bad).flatMap((document) => [HEADER + document, HEADER + segment()])
    await sendDatagrams(port.xray, ...datagrams, segment(), "{}\n{}", HEADER, HEADER + segment())
    await agent.until((page) => intakes(page, "xray-udp", "ok") === udp + 13)
    const page = await settled()
    expect(fake.xray.documents).toHaveLength(before + 7)
    for (const reason of Object.keys(bad))
      expect([reason, refused(page, "xray", reason)]).toEqual([reason, 1])
    expect(intakes(page, "xray-udp", "bad_header")).toBe(2)
    expect(intakes(page, "xray-udp", "no_document")).toBe(1)
    expect(fake.xray.remarks).toEqual([])
  })

  test("a trace of 1970, which X-Ray refuses, is counted with its reason and holds up nothing", async () => {
    const before = fake.xray.documents.length
    fake.fail("xray:PutTraceSegments", { kind: "refuse", first: 1, code: "InvalidTraceId" }, 1)
    await sendDatagrams(port.xray, HEADER + segment({ trace_id: "1-00000001-000000000000000000000001" }))
    await agent.until((page) => exportedBy(page, "xray").rejected === 1)
    await sendDatagrams(port.xray, HEADER + segment())
    const page = await settled()
    expect(fake.xray.documents).toHaveLength(before + 1)
    const why = { sink: "xray", reason: "bad_trace_id" }
    expect(sample(page, "mesh_agent_export_dropped_total", why)).toBe(1)
  })
})

describe("Zipkin and OTLP", () => {
  test("garbage is answered and counted, and good spans of the same body are delivered", async () => {
    const before = fake.xray.documents.length
    const pair = [
      zipkinSpan({ id: "" }),
      zipkinSpan({ traceId: "0" }),
      zipkinSpan({ timestamp: undefined }),
      zipkinSpan(),
    ]
    const statuses = [
      await toZipkin({ body: "[{" }),
      await toZipkin({ body: Buffer.from([255, 255, 255]), type: "application/x-protobuf" }),
      await toZipkin({ body: "[]", type: "text/html" }),
      await toZipkin({ body: "x".repeat(5 * MIB) }),
      await toZipkin(BOMB),
      await toZipkin({ body: "no gzip", encoding: "gzip" }),
      await toZipkin({ body: JSON.stringify(pair) }),
      await toOtlp({ body: "{" }),
      await toOtlp({ body: Buffer.from([10, 255]), type: "application/x-protobuf" }),
      await toOtlp({ body: otlpBody(otlpSpan({ spanId: "" }), otlpSpan({ traceId: "" }), otlpSpan()) }),
      await toOtlp(BOMB),
    ]
    expect(statuses).toEqual([400, 400, 415, 413, 413, 400, 202, 400, 400, 200, 413])
    const page = await settled()
    expect(fake.xray.documents).toHaveLength(before + 2)
    const counted = ["ok", "partial", "refused", "malformed", "too_large"]
    expect(counted.map((result) => intakes(page, "zipkin", result))).toEqual([0, 1, 1, 3, 2])
    expect(counted.map((result) => intakes(page, "otlp", result))).toEqual([0, 1, 0, 2, 1])
    const reasons = ["no_id", "no_trace_id", "bad_time"]
    expect(reasons.map((reason) => refused(page, "zipkin", reason))).toEqual([1, 1, 1])
    expect(reasons.map((reason) => refused(page, "otlp", reason))).toEqual([1, 1, 0])
  })

  test("spans of 200 KB and more fit into X-Ray's 64 KB, with a mark of what was cut; what cannot fit is counted", async () => {
    const before = fake.xray.documents.length
    const payload = Array.from({ length: 8 }, (_, at) => `payload.${at}`)
    const tags = Object.fromEntries(payload.map((key) => [key, LARGE]))
    await toZipkin({ body: JSON.stringify([zipkinSpan({ tags }), zipkinSpan()]) })
    // Metadata can be left out. What was asked of a database stands elsewhere, and is all that there is.
    const large = otlpSpan({ attributes: payload.map((key) => attribute(key, LARGE)) })
    const query = ["db.system", "db.statement", "db.user", "db.connection_string"]
    const tooLarge = otlpSpan({ attributes: query.map((key) => attribute(key, LARGE)) })
    await toOtlp({ body: otlpBody(large, tooLarge, otlpSpan()) })
    const page = await settled()
    const documents = fake.xray.documents.slice(before)
    expect(documents).toHaveLength(4)
    const marked = documents.map(({ metadata }) => isObject(metadata) && "meshscope" in metadata)
    expect(marked).toEqual([true, false, true, false])
    const cut = ["zipkin", "otlp"].map((intake) =>
      sample(page, "mesh_agent_span_parts_cut_total", { intake }),
    )
    expect(cut).toEqual([8, 12])
    const leftOut = { sink: "xray", reason: "too_large" }
    expect(sample(page, "mesh_agent_export_left_out_total", leftOut)).toBe(1)
    expect(fake.xray.remarks).toEqual([])
  })
})

/**
 * Each of two intakes may hold eight of the largest bodies (4 MiB) and one that is inflated (16 MiB); what waits for X-Ray
 * takes 8 MiB of memory, the rest is on disk. As much again may be garbage that Node has not collected yet.
 */
const MOST_GROWTH = 2 * (2 * (8 * 4 + 16) + 8) * MIB

async function largeBodies(): Promise<void> {
  for (let round = 0; round < 5; round++) {
    await toZipkin(BOMB)
    await toOtlp({ body: "x".repeat(4 * MIB - 1) })
  }
}

/** As many datagrams as one sender can, and meanwhile bodies that are as large as they may be, four at a time at each intake. */
async function wave(): Promise<void> {
  const sender = spawn(process.execPath, [SENDER, String(port.xray), String(FLOOD)], { stdio: "inherit" })
  await Promise.all([once(sender, "exit"), largeBodies(), largeBodies(), largeBodies(), largeBodies()])
}

test("a flood of datagrams and bodies: all accounted for, memory bounded, and good spans still come through", async () => {
  const before = (await agent.page()) ?? ""
  const idle = memory.nowBytes
  await wave()
  const first = memory.mostBytes
  await wave()
  expect(memory.mostBytes - idle).toBeLessThan(MOST_GROWTH)
  // Measured over eight waves: 258, 258, 271 MiB, and no more.
  expect(memory.mostBytes - first).toBeLessThan(64 * MIB)
  const arrived = (page: string): number =>
    sample(page, "mesh_agent_intake_requests_total", { intake: "xray-udp" }) -
    sample(before, "mesh_agent_intake_requests_total", { intake: "xray-udp" })
  // What the kernel threw away is looked at every 10 s.
  await agent.until((page) => arrived(page) === 2 * FLOOD, 30_000)
  const flooded = await settled()
  await sendDatagrams(port.xray, HEADER + segment())
  const good = exportedBy(flooded, "xray").accepted + 1
  await agent.until((page) => exportedBy(page, "xray").accepted === good)
  expect(fake.xray.documents).toHaveLength(good)
})
