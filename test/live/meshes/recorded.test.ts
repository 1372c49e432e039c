import { appendFile, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, describe, expect, test } from "vitest"
import { targetsYaml } from "../../../demo/targets.ts"
import { pageCounts } from "../rig/page-counts.ts"
import { nodeRequests, resourceList } from "./answers.ts"
import { line, NODE, startRecorded } from "./recorded.ts"
import { fetchPage, fixture, startReading } from "./rig.ts"

/** The workshop's mesh on ECS, by recorded pages in the names of 2019 and of 2022, through the whole agent. */
const undo: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

describe.each([2019, 2022] as const)("names of %i", (era) => {
  test("requests count at the node, listener health checks by themselves", { timeout: 40_000 }, async () => {
    const runDir = await mkdtemp(join(tmpdir(), "meshscope-recorded-"))
    undo.push(() => rm(runDir, { recursive: true, force: true }))
    const admin = await startRecorded(era)
    undo.push(() => admin.stop())
    const log = join(runDir, "stdout.log")
    await writeFile(log, "")
    const targetsFile = join(runDir, "targets.yaml")
    await writeFile(targetsFile, targetsYaml([{ name: "task-1", admin: admin.address, logs: [log] }]))
    const { agent, collectorUrl } = await startReading(
      runDir,
      fixture("appmesh-workshop.json"),
      targetsFile,
      {},
      undo,
    )

    const requests = Array.from({ length: 12 }, (_, at) => line(`/crystal?${at}`, "curl/7.64"))
    const checks = Array.from({ length: 8 }, () => line("/health", "Envoy/HC"))
    await appendFile(log, [...requests, ...checks].join(""))
    admin.requests += requests.length + checks.length

    const ask = async <T>(path: string): Promise<T> =>
      (await (await fetch(`${collectorUrl}/api/v1${path}`)).json()) as T
    await expect.poll(() => nodeRequests(ask), { timeout: 12_000, interval: 500 }).toEqual({ [NODE]: 12 })
    expect(await resourceList(ask)).toEqual([
      "mesh appmesh-workshop",
      `virtual_node ${NODE}`,
      "virtual_service crystal.appmeshworkshop.hosted.local",
    ])
    const page = await fetchPage(agent)
    expect(
      pageCounts(page, "mesh_requests_total", ["reporter", "virtual_node", "outcome", "provenance"]),
    ).toEqual({
      [`reporter=destination virtual_node=${NODE} outcome=ok provenance=log`]: 12,
    })
    expect(pageCounts(page, "mesh_health_check_requests_total", ["virtual_node"])).toEqual({
      [`virtual_node=${NODE}`]: 8,
    })
    expect(pageCounts(page, "mesh_unaccounted_requests_total", ["virtual_node"])).toEqual({})
  })
})
