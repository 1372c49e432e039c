import { expect, test } from "vitest"
import { METRICS } from "#mesh/catalogue.ts"
import type { DeclaredMesh } from "#mesh/declared.ts"
import { identityOf } from "../../collector/ingest/agents.ts"
import { DeclaredSeries } from "../../collector/model/declared-series.ts"
import { HOME_AGENT } from "../../collector/store/home-agent.ts"
import { inventoryOf } from "../../collector/view/inventory.ts"
import { read } from "../../collector/view/reading.ts"
import { SmallAgent, SmallCollector } from "../fixtures/collector/small-collector.ts"
import { declaredFixture } from "../fixtures/config-dump/resolving.ts"

const { mesh } = declaredFixture("yelb.yaml")
const HOUR_MS = 3_600_000

const inventory = async (collector: SmallCollector) =>
  inventoryOf(
    await read(
      { store: collector.store, agents: () => [], nowMs: () => collector.now, agentSilentMs: 60_000 },
      60_000,
      null,
    ),
  )
const nodes = async (collector: SmallCollector): Promise<string[]> =>
  (await inventory(collector)).resources
    .filter(({ kind }) => kind === "virtual_node")
    .map(({ name }) => name)
    .toSorted()
const named = ({ virtualNodes }: DeclaredMesh): string[] => virtualNodes.map(({ name }) => name).toSorted()

test("what the collector declares and an agent tells too counts once, and the collector's word is the one", async () => {
  const collector = new SmallCollector()
  const agent = new SmallAgent(collector, "one")
  const labels = { mesh: mesh.name, flavor: mesh.flavor }
  agent.set("resourceInfo", { ...labels, kind: "virtual_node", name: "left-over" }, 1)
  agent.set("resourceInfo", { ...labels, kind: "virtual_node", name: named(mesh)[0] ?? "" }, 1)
  agent.set("resourceInfo", { ...labels, mesh: "another", kind: "virtual_node", name: "theirs" }, 1)
  agent.send()
  await new DeclaredSeries(collector.store, "prod").publish([mesh], collector.now)
  collector.pass(15_000)
  expect(await nodes(collector)).toEqual([...named(mesh), "theirs"].toSorted())
  const rows = await collector.store.gauges(METRICS.resourceInfo, { mesh: mesh.name })
  const own = rows.filter((row) => row.agent === HOME_AGENT)
  expect(new Set(own.map((row) => row.labels.get("cluster")))).toEqual(new Set(["prod"]))
})

test("what is not declared any more leaves at once, also what a restart brought back", async () => {
  const collector = new SmallCollector()
  const series = new DeclaredSeries(collector.store, "")
  await series.publish([mesh], collector.now)
  const less = { ...mesh, virtualNodes: mesh.virtualNodes.slice(1) }
  await series.publish([less], collector.now)
  collector.pass(15_000)
  expect(await nodes(collector)).toEqual(named(less))
  const none = { ...mesh, virtualNodes: [] }
  await new DeclaredSeries(collector.store, "").publish([none], collector.now)
  collector.pass(15_000)
  expect(await nodes(collector)).toEqual([])
})

test("what stands for hours stays, as long as somebody says so", async () => {
  const collector = new SmallCollector()
  const series = new DeclaredSeries(collector.store, "")
  await series.publish([mesh], collector.now)
  for (let minutes = 0; minutes < 180; minutes += 30) {
    collector.pass(HOUR_MS / 2)
    series.keepAlive(collector.now)
  }
  expect(await nodes(collector)).toEqual(named(mesh))
})

test("no agent can have the collector's name", () => {
  expect(identityOf(["service.instance.id", HOME_AGENT]).id).not.toBe(HOME_AGENT)
  expect(identityOf(["host.name", HOME_AGENT]).id).not.toBe(HOME_AGENT)
})
