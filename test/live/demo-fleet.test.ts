import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { envoyBinary } from "../../demo/envoy-binary.ts"
import { type Stage, startStage } from "../../demo/stage.ts"
import type { Truth, TruthRow } from "../../demo/truth.ts"
import { parseKubernetesObjects } from "../../mesh/declare/kubernetes.ts"
import { type AccessLine, accessLines } from "./demo-lines.ts"

/** The truth of the load against what real Envoys logged, to the request. The reader of lines here is its own. */
let stage: Stage
let runDir: string
let startMs: number
const FLUSH_MS = 200

beforeAll(async () => {
  runDir = await mkdtemp(join(tmpdir(), "meshscope-demo-"))
  const file = join(import.meta.dirname, "../../demo/yelb-extended.yaml")
  const { model } = parseKubernetesObjects(await readFile(file, "utf8"), file)
  const started = performance.now()
  stage = await startStage({
    model,
    placement: { "yelb-appserver-virtual-node": 2 },
    runDir,
    logs: { "*": "json" },
    envoy: await envoyBinary(),
    flushMs: FLUSH_MS,
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
  await expect.poll(async () => lineCounts(await lines()), { timeout: 10_000 }).toEqual(truthCounts(truth))
})

async function lines(): Promise<readonly AccessLine[]> {
  const all = await Promise.all(stage.fleet.proxies.map((proxy) => accessLines(proxy)))
  return all.flat()
}

const HEALTH = /^(?:Envoy\/HC|ELB-HealthChecker\/)/

/** Counts by proxy's resource, direction, upstream cluster, code and gRPC status; health checks by resource alone. */
function lineCounts(all: readonly AccessLine[]): Record<string, number> {
  const counts: Record<string, number> = {}
  for (const line of all) {
    if (line.method === null) continue
    const key = HEALTH.test(line.user_agent ?? "")
      ? `${line.resource} health check`
      : [
          line.resource,
          line.inbound ? "in" : "out",
          line.upstream_cluster ?? "-",
          line.response_code,
          line.grpc_status ?? -1,
        ].join(" ")
    counts[key] = (counts[key] ?? 0) + 1
  }
  return counts
}

function truthCounts(truth: Truth): Record<string, number> {
  const counts: Record<string, number> = {}
  const add = (key: string, count: number): void => {
    counts[key] = (counts[key] ?? 0) + count
  }
  for (const row of truth.requests) add(lineKey(row), row.count)
  for (const { virtualGateway, virtualNode, count } of truth.healthChecks) {
    add(`${virtualGateway || virtualNode} health check`, count)
  }
  return counts
}

/** What a line of this row says, by App Mesh's names. */
function lineKey(row: TruthRow): string {
  const port =
    row.protocol === "grpc" ? "grpc_50051" : row.virtualNode.includes("ui") ? "http_80" : "http_4567"
  const out = row.virtualNode === "" ? "-" : `cds_egress_yelb_${row.virtualNode}_${port}`
  const end = `${row.code} ${row.grpcStatus}`
  switch (row.reporter) {
    case "gateway":
      return `${row.virtualGateway} in cds_ingress_yelb_${row.virtualGateway}_self_redirect_http_15001 ${end}`
    case "source":
      return `${row.source || row.virtualGateway} out ${out} ${end}`
    case "destination":
      return `${row.virtualNode} in cds_ingress_yelb_${row.virtualNode}_${port} ${end}`
  }
}

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
  for (const line of (await lines()).filter(({ method }) => method === null)) {
    const node = /^cds_egress_yelb_(.+)_tcp_/.exec(line.upstream_cluster ?? "")?.[1]
    const key = line.inbound ? `in ${line.resource}` : `out ${line.resource} ${node}`
    add(seen, key, 1, line.bytes_received, line.bytes_sent)
  }
  expect(seen).toEqual(expected)
  expect(Object.keys(expected)).toHaveLength(6)
})
