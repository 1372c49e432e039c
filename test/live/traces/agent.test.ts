import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest"
import type { Agent } from "../../../agent/start.ts"
import type { Span } from "../../../mesh/span.ts"
import { type FakeAws, startFakeAws } from "../../fake/aws/fake-aws.ts"
import type { Form } from "../../fixtures/spans/captured.ts"
import { exposed } from "../rig/exposed.ts"
import { freePort } from "../rig/free-port.ts"
import { startAgentHere } from "../rig/here.ts"
import { EXPECTED } from "./expected.ts"
import { type SpanIntake, startIntake } from "./intake.ts"
import { newTraceId, startMesh, type TracedMesh } from "./mesh.ts"
import { REQUESTS } from "./requests.ts"
import { TRACERS } from "./tracers.ts"

/** A whole agent between Envoys and what takes spans: X-Ray, Zipkin and OpenTelemetry at one time. */
const MODEL = join(import.meta.dirname, "../../../demo/yelb.yaml")
const WAIT_MS = 20_000
const HOST = "127.0.0.1"
const count = (request: string): number => EXPECTED[request]?.length ?? 0
const ALL = Object.keys(EXPECTED).reduce((sum, request) => sum + count(request), 0)

async function until(done: () => boolean): Promise<void> {
  const end = performance.now() + WAIT_MS
  while (!done() && performance.now() < end) await sleep(50)
}

/** One scene: a mesh, the agent beside it, and the three that take its spans. */
interface Scene {
  readonly mesh: TracedMesh
  readonly agent: Agent
  readonly fake: FakeAws
  readonly zipkin: SpanIntake
  readonly otlp: SpanIntake
  stop(): Promise<void>
}

type Way = Form | "lines"

async function startScene(way: Way): Promise<Scene> {
  const undo: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    vi.unstubAllEnvs()
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    const [fake, zipkin, otlp] = await Promise.all([
      startFakeAws(),
      startIntake("zipkin-json"),
      startIntake("otlp"),
    ])
    undo.push(() => Promise.all([fake.stop(), zipkin.stop(), otlp.stop()]))
    for (const [name, value] of Object.entries(fake.env)) vi.stubEnv(name, value)
    const port = await freePort()
    const tracers = way === "lines" ? {} : { "*": TRACERS[way]({ host: HOST, port }) }
    const mesh = await startMesh({ tracers, logs: { "*": "json" } })
    undo.push(() => mesh.stop())
    const { targetsFile, runDir } = mesh.fleet
    const publish = {
      prometheus: { listen: `${HOST}:0` },
      xray: {},
      zipkin: { endpoint: `http://${zipkin.host}:${zipkin.port}` },
      otlpTraces: { endpoint: `http://${otlp.host}:${otlp.port}` },
    }
    const changes = { commit: "200ms", spans: { fromLogs: true }, receive: receiveFor(way, port), publish }
    const agent = await startAgentHere({ runDir, modelFile: MODEL, targetsFile, changes })
    undo.push(() => agent.stop())
    await until(
      () => Object.values(proxiesUp(agent)).filter((up) => up === 1).length === mesh.fleet.proxies.length,
    )
    return { mesh, agent, fake, zipkin, otlp, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const proxiesUp = ({ pipeline }: Agent): Record<string, number> =>
  exposed(pipeline.ledger.snapshot, "proxyUp", ["proxy"])

/** Only the intake of that form, so that another cannot take what it should not. */
function receiveFor(way: Way, port: number): Readonly<Record<string, unknown>> {
  const listen = `${HOST}:${port}`
  if (way === "lines") return {}
  if (way === "xray") return { xray: { udp: listen, tcp: `${HOST}:0` } }
  return way === "otlp" ? { otlp: { listen, grpc: `${HOST}:0` } } : { zipkin: { listen } }
}

/** As a load balancer in front of the mesh begins a trace. */
const traced = (traceId: string): Readonly<Record<string, string>> => ({
  "x-amzn-trace-id": `Root=1-${traceId.slice(0, 8)}-${traceId.slice(8)};Sampled=1`,
})

const idsOf = (spans: readonly Span[]): readonly string[] =>
  spans.map(({ traceId, id, parentId }) => [traceId, id, parentId].join(" ")).toSorted()

const WAYS: readonly (readonly [Way, state: string])[] = [
  ["xray", "to this agent by xray-udp"],
  ["zipkin-json", "to this agent by zipkin"],
  ["zipkin-proto", "to this agent by zipkin"],
  ["otlp", "to this agent by otlp"],
  ["lines", "from log lines"],
]

describe.each(WAYS)("spans by %s", (way, state) => {
  let scene: Scene

  beforeAll(async () => {
    scene = await startScene(way)
    for (const asked of Object.values(REQUESTS))
      await scene.mesh.ask({ ...asked, headers: traced(newTraceId()) })
    const { fake, zipkin, otlp } = scene
    await until(() => [fake.xray.documents, zipkin.spans, otlp.spans].every(({ length }) => length >= ALL))
    // What comes twice would come now.
    await sleep(500)
  })
  afterAll(() => scene?.stop())

  test("every proxy's state says which way its spans go", () => {
    const ways = exposed(scene.agent.pipeline.ledger.snapshot, "proxyInfo", ["spans"])
    expect(Object.keys(ways)).toEqual([expect.stringContaining(state)])
  })

  test("X-Ray, Zipkin and OpenTelemetry get each span once, with the same ids", () => {
    const { fake, zipkin, otlp } = scene
    const byXray = fake.xray.documents.map(({ trace_id: traceId, id, parent_id: parentId = "" }) =>
      [String(traceId).slice(2).replace("-", ""), id, parentId].join(" "),
    )
    expect(byXray).toHaveLength(ALL)
    expect(idsOf(zipkin.spans)).toEqual(byXray.toSorted())
    expect(idsOf(otlp.spans)).toEqual(byXray.toSorted())
    expect(new Set(byXray).size).toBe(ALL)
    expect(fake.xray.duplicates).toBe(0)
    expect(fake.xray.remarks).toEqual([])
    expect([...zipkin.trouble(), ...otlp.trouble()]).toEqual([])
  })

  test("one request is one trace of the same names everywhere, with faults where they belong", () => {
    const { fake, otlp } = scene
    expect(fake.xray.traceIds).toHaveLength(Object.keys(REQUESTS).length)
    const faults = fake.xray.documents.filter((document) => document["fault"] === true)
    const failed = Object.values(EXPECTED).flatMap((lines) => lines.filter((line) => line.endsWith(" fault")))
    expect(faults).toHaveLength(failed.length)
    const services = new Set(otlp.spans.map(({ service }) => service))
    expect(services).toEqual(
      new Set(["yelb/yelb-gateway_yelb", "yelb/yelb-ui-virtual-node", "yelb/yelb-appserver-virtual-node"]),
    )
    const routes = new Set(otlp.spans.map(({ attributes }) => attributes.get("mesh.route")))
    expect(routes).toEqual(new Set([undefined, "yelbui-gatewayroute_yelb", "route-to-yelb-appserver"]))
  })
})
