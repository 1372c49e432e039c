import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import { fleetLines, lineCounts, truthCounts } from "./lines.ts"

/** The truth of the load against what real Envoys logged, to the request. The reader of lines here is its own. */
let stage: Stage
let runDir: string
let startMs: number

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-demo-"))
  const file = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")
  const { model } = parseKubernetesObjects(await readFile(file, "utf8"), file)
  const envoy = await envoyBinary()
  const started = performance.now()
  stage = await startStage({
    model,
    placement: { "yelb-appserver-virtual-node": 2 },
    runDir,
    logs: { "*": "json" },
    envoy,
    flushMs: 200,
    seed: 7,
  })
  startMs = performance.now() - started
})

afterAll(async () => {
  await stage?.stop()
  await rm(runDir, { recursive: true, force: true })
})

test("seven Envoys and their applications are up within seconds", () => {
  expect(stage.fleet.proxies).toHaveLength(7)
  expect(startMs).toBeLessThan(15_000)
})

test("2,000 planned requests: every access-log line is one row of the truth, and the other way round", async () => {
  await stage.run(2000)
  const truth = await stage.truth()
  expect(truth.sent).toBe(2000)
  expect(truth.undecided).toEqual([])
  const expected = truthCounts(truth)
  expect(Object.keys(expected).length).toBeGreaterThan(60)
  await expect
    .poll(async () => lineCounts(await fleetLines(stage.fleet)), { timeout: 10_000 })
    .toEqual(expected)
})

test("TCP connections and bytes are those of the lines", async () => {
  const truth = await stage.truth()
  const expected: Record<string, readonly number[]> = {}
  const seen: Record<string, readonly number[]> = {}
  const add = (into: typeof seen, key: string, ...values: number[]): void => {
    into[key] = values.map((value, at) => value + (into[key]?.[at] ?? 0))
  }
  for (const row of truth.tcp) {
    add(expected, `out ${row.source} ${row.virtualNode}`, row.connections, row.receivedBytes, row.sentBytes)
    add(expected, `in ${row.virtualNode}`, row.connections, row.receivedBytes, row.sentBytes)
  }
  const lines = await fleetLines(stage.fleet)
  for (const line of lines.filter(({ method }) => method === null)) {
    const node = /^cds_egress_yelb_(.+)_tcp_/.exec(line.upstream_cluster ?? "")?.[1]
    const key = line.inbound ? `in ${line.resource}` : `out ${line.resource} ${node}`
    add(seen, key, 1, line.bytes_received, line.bytes_sent)
  }
  expect(seen).toEqual(expected)
  expect(Object.keys(expected)).toHaveLength(6)
})
