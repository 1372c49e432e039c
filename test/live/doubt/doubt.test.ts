import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Replicas } from "../../../demo/control-plane/placement.ts"
import { routeCounts } from "../meshes/answers.ts"
import { type MeshRig, startMesh } from "../meshes/rig.ts"
import { doubtModel } from "./model.ts"
import {
  ALL_CALLERS,
  askDoor,
  askRoutes,
  connectAll,
  type Outsiders,
  outsiders,
  type Reached,
} from "./plan.ts"
import {
  connectionsByApi,
  connectionsTold,
  doubtsByApi,
  doubtsTold,
  failuresTold,
  requestsTold,
  tableRows,
  unaccountedTold,
} from "./told.ts"

/**
 * What a log cannot tell is said to be so, and counted: routes that differ by a header alone, paths that no route takes,
 * calls to hosts that the mesh does not declare. `by-json` logs our JSON format, `by-text` App Mesh's default, `by-stats`
 * nothing.
 */
const SETTLED = { timeout: 15_000, interval: 300 }
const START_MS = 60_000

async function bringUp(
  egress: "ALLOW_ALL" | "DROP_ALL",
  placement: Replicas,
): Promise<{ readonly rig: MeshRig; readonly to: Outsiders; readonly stop: () => Promise<void> }> {
  const folder = await mkdtemp(join(tmpdir(), "meshscope-doubt-"))
  const file = join(folder, "doubt.yaml")
  await writeFile(file, doubtModel(egress))
  const rig = await startMesh(file, { placement })
  const to = await outsiders(rig)
  const stop = async (): Promise<void> => {
    to.close()
    await rig.stop()
    await rm(folder, { recursive: true, force: true })
  }
  return { rig, to, stop }
}

async function eachCaller(rig: MeshRig, to: Outsiders): Promise<Record<string, Reached>> {
  const reached: Record<string, Reached> = {}
  for (const caller of ALL_CALLERS) reached[caller] = await connectAll(rig, caller, to)
  return reached
}

const forAll = <T>(value: T): Record<string, T> =>
  Object.fromEntries(ALL_CALLERS.map((caller) => [caller, value]))

describe("DROP_ALL", () => {
  let rig: MeshRig
  let to: Outsiders
  let stop: (() => Promise<void>) | undefined
  beforeAll(async () => {
    const up = await bringUp("DROP_ALL", { gone: 0 })
    rig = up.rig
    to = up.to
    stop = up.stop
  }, START_MS)
  afterAll(() => stop?.())

  test("each request counts at its route, or as what the log can tell of it", {
    timeout: 60_000,
  }, async () => {
    for (const caller of ALL_CALLERS) await askRoutes(rig, caller)
    await expect
      .poll(() => requestsTold(rig), SETTLED)
      .toEqual({
        // Both routes of /group lead to one node: no field of the line tells them apart.
        "by-json => shop.doubt > (ambiguous) -> shelf": "5/0/1/0",
        // Each route of /apart leads to a node of its own, and the header of /agent is in every format.
        "by-json => shop.doubt > apart-rest -> shelf": "3/0/0/0",
        "by-json => shop.doubt > apart-new -> shelf-new": "2/0/0/0",
        "by-json => shop.doubt > agent-rest -> shelf": "3/0/0/0",
        "by-json => shop.doubt > agent-phone -> shelf": "2/0/0/0",
        "by-json => shop.doubt > gone-rest -> shelf": "3/0/0/0",
        // No host was left, but JSON tells the cluster.
        "by-json => shop.doubt > gone-new -> gone": "0/0/2/0",
        "by-json => shop.doubt > (unmatched)": "0/0/4/0",
        "by-json => (undeclared) > (unmatched)": "0/0/5/0",
        "by-text => shop.doubt > (ambiguous) -> shelf": "5/0/1/0",
        "by-text => shop.doubt > apart-rest -> shelf": "3/0/0/0",
        "by-text => shop.doubt > apart-new -> shelf-new": "2/0/0/0",
        "by-text => shop.doubt > agent-rest -> shelf": "3/0/0/0",
        "by-text => shop.doubt > agent-phone -> shelf": "2/0/0/0",
        "by-text => shop.doubt > gone-rest -> shelf": "3/0/0/0",
        // Text tells no cluster: without a host it may have been either route.
        "by-text => shop.doubt > (ambiguous)": "0/0/2/0",
        "by-text => shop.doubt > (unmatched)": "0/0/4/0",
        "by-text => (undeclared) > (unmatched)": "0/0/5/0",
        "by-stats => shop.doubt > (shared) -> shelf": "16/0/1/0",
        "by-stats => shop.doubt > apart-new -> shelf-new": "2/0/0/0",
        "by-stats => shop.doubt > gone-new -> gone": "0/0/2/0",
        // Counters do not tell a path without a route from a host that is not declared.
        "by-stats => (unknown) > (unmatched)": "0/0/9/0",
      })
  })

  test("a gateway's doubt is its own at the door and behind it, and none where its log tells the header", async () => {
    const before = requestsTold(rig)
    await askDoor(rig, "door-header")
    await askDoor(rig, "door-text")
    await expect
      .poll(() => requestsTold(rig), SETTLED)
      .toEqual({
        ...before,
        "door-header > door-header-new > shop.doubt": "2/0/0/0",
        "door-header > door-header-rest > shop.doubt": "3/0/0/0",
        "door-header > (unmatched)": "0/4/0/0",
        "door-header => shop.doubt > group-new -> shelf": "2/0/0/0",
        "door-header => shop.doubt > group-rest -> shelf": "3/0/0/0",
        "door-text > (ambiguous) > shop.doubt": "5/0/0/0",
        "door-text > (unmatched)": "0/4/0/0",
        "door-text => shop.doubt > (ambiguous) -> shelf": "5/0/0/0",
      })
  })

  test("failures have flag and answerer, unknown where the format leaves it open", () => {
    expect(failuresTold(rig)).toEqual({
      "by-json => shop.doubt > (ambiguous) -> shelf: - by app": 1,
      "by-json => shop.doubt > gone-new -> gone: UH by proxy": 2,
      "by-json => shop.doubt > (unmatched): NR by proxy": 4,
      "by-json => (undeclared) > (unmatched): NR by proxy": 5,
      "by-text => shop.doubt > (ambiguous) -> shelf: - by unknown": 1,
      "by-text => shop.doubt > (ambiguous): UH by proxy": 2,
      "by-text => shop.doubt > (unmatched): NR by proxy": 4,
      "by-text => (undeclared) > (unmatched): NR by proxy": 5,
      "by-stats => shop.doubt > (shared) -> shelf: - by app": 1,
      "by-stats => shop.doubt > gone-new -> gone: UH by proxy": 2,
      "by-stats => (unknown) > (unmatched): NR by proxy": 9,
      "door-header > (unmatched): NR by proxy": 4,
      "door-text > (unmatched): NR by proxy": 4,
    })
  })

  test("each line in doubt is counted, at the agent and by the API", async () => {
    const doubts = {
      "proxy=by-json-0 reason=route_ambiguous": 6,
      "proxy=by-text-0 reason=route_ambiguous": 8,
      // One path in the text for two: whoever calls may write it, and more than one route leads to shelf.
      "proxy=by-text-0 reason=forgeable": 11,
      // Five requests, each logged at the door and behind it.
      "proxy=door-text-0 reason=route_ambiguous": 10,
    }
    expect(doubtsTold(rig)).toEqual(doubts)
    await expect.poll(() => doubtsByApi(rig), SETTLED).toEqual(doubts)
  })

  test("the API adds callers up in rows that say what they are", async () => {
    await expect
      .poll(() => routeCounts(rig.ask), SETTLED)
      .toMatchObject({
        "shop.doubt > shop-router > (ambiguous) [ambiguous]": "15/0/4/0",
        "shop.doubt > shop-router > (ambiguous) [ambiguous] -> shelf": "15/0/2/0",
        "by-json => shop.doubt > shop-router > (ambiguous) [ambiguous]": "5/0/1/0",
        "by-text => shop.doubt > shop-router > (ambiguous) [ambiguous]": "5/0/3/0",
        "door-text => shop.doubt > shop-router > (ambiguous) [ambiguous]": "5/0/0/0",
        "door-text > (ambiguous) > shop.doubt [ambiguous]": "5/0/0/0",
        "shop.doubt > shop-router > (shared) [shared]": "16/0/1/0",
        "shop.doubt > (unmatched) [unmatched]": "0/0/8/0",
        "(unknown) > (unmatched) [unmatched]": "0/0/9/0",
        "door-text > (unmatched) [unmatched]": "0/4/0/0",
        "(undeclared) > (unmatched) [undeclared]": "0/0/10/0",
        "shop.doubt > shop-router > group-new": "2/0/0/0",
        "shop.doubt > shop-router > group-rest": "3/0/0/0",
        "shop.doubt > shop-router > gone-new": "0/0/4/0",
      })
  })

  test("a person can read it on the page", async () => {
    const proxies = (await tableRows(rig, "/proxies?window=60m")).join("\n")
    expect(proxies).toMatch(/^\(ambiguous\).*shop\.doubt.*\| 19$/m)
    expect(proxies).toMatch(/^\(unmatched\).*shop\.doubt.*\| 8$/m)
    expect(proxies).toMatch(/^\(unmatched\).*\(undeclared\).*\| 10$/m)
    expect(proxies).toMatch(/by-text-0.*\| 8$/m)
    const routes = (await tableRows(rig, "/routes?kind=synthetic&window=60m")).join("\n")
    expect(routes).toMatch(/\(ambiguous\).*Routes differ only by .*shop\.doubt/)
    expect(routes).toMatch(
      /\(unmatched\).*Calls to hosts that the mesh declares no backend for\..*\(undeclared\)/,
    )
  })

  test("what is not declared is refused and counted as such, for no service; AWS and the declared count exactly", async () => {
    const before = requestsTold(rig)
    expect(await eachCaller(rig, to)).toEqual(
      // Envoy itself answered on the port of a declared service.
      forAll({ plain: false, aws: true, tls: false, samePort: true, till: true, node: false }),
    )
    expect([to.plain, to.aws, to.tls, to.samePort].map(({ arrived }) => arrived())).toEqual([0, 3, 0, 0])
    await expect
      .poll(() => connectionsTold(rig), SETTLED)
      .toEqual({
        "by-json => till.doubt -> shelf": 3,
        "by-json => (aws) -> (aws)": 1,
        // Twice to a plain host, once by TLS, once to the node itself. No log has a line of them, and who says nothing
        // was not refused.
        "by-json => (undeclared) -> (undeclared) failed": 4,
        // No cluster in the text, but one chain alone takes port 443.
        "by-text => till.doubt -> shelf": 3,
        "by-text => (aws) -> (aws)": 1,
        "by-text => (undeclared) -> (undeclared) failed": 4,
        "by-stats => till.doubt -> shelf": 3,
        "by-stats => (aws) -> (aws)": 1,
        "by-stats => (undeclared) -> (undeclared) failed": 4,
      })
    await expect
      .poll(() => requestsTold(rig), SETTLED)
      .toEqual({
        ...before,
        "by-json => (undeclared) > (unmatched)": "0/0/6/0",
        "by-text => (undeclared) > (unmatched)": "0/0/6/0",
        "by-stats => (unknown) > (unmatched)": "0/0/10/0",
      })
    await expect
      .poll(() => connectionsByApi(rig), SETTLED)
      .toEqual({ "till.doubt": 9, "(aws)": 3, "(undeclared)": 12 })
    const refused = (await tableRows(rig, "/proxies?window=60m")).join("\n")
    expect(refused).toMatch(/^\(undeclared\).*\| 12 connections 12 ended with an error$/m)
    expect(refused).toMatch(/^\(aws\).*\| 3 connections$/m)
    await rig.agent.pipeline.settled()
    expect(unaccountedTold(rig)).toEqual({})
  })
})

describe("ALLOW_ALL", () => {
  let rig: MeshRig
  let to: Outsiders
  let stop: (() => Promise<void>) | undefined
  beforeAll(async () => {
    const up = await bringUp("ALLOW_ALL", { gone: 0, "shelf-new": 0, "door-header": 0, "door-text": 0 })
    rig = up.rig
    to = up.to
    stop = up.stop
  }, START_MS)
  afterAll(() => stop?.())

  test("connections past the mesh are no declared service's", { timeout: 60_000 }, async () => {
    expect(await eachCaller(rig, to)).toEqual(
      forAll({ plain: true, aws: true, tls: true, samePort: true, till: true, node: true }),
    )
    expect([to.plain, to.aws, to.tls, to.samePort].map(({ arrived }) => arrived())).toEqual([6, 3, 3, 0])
    await expect
      .poll(() => connectionsTold(rig), SETTLED)
      .toEqual({
        "by-json => till.doubt -> shelf": 3,
        // Twice to a plain host, once by TLS, once to the node itself.
        "by-json => (undeclared) -> (undeclared)": 4,
        "by-json => (aws) -> (aws)": 1,
        // Text shows the node's host alike, called as the service or past it: the node is sure, the service is not.
        "by-text => (unknown) -> shelf": 4,
        // AWS is known by the name that TLS asks for, which text lacks; no declared backend it is in any case.
        "by-text => (undeclared) -> (undeclared)": 4,
        "by-stats => till.doubt -> shelf": 3,
        "by-stats => (undeclared) -> (undeclared)": 4,
        "by-stats => (aws) -> (aws)": 1,
      })
  })

  test("what the text leaves open is counted as doubt, at the agent and by the API", async () => {
    // Four to the node, two on port 443.
    const doubts = { "proxy=by-text-0 reason=forgeable": 6 }
    expect(doubtsTold(rig)).toEqual(doubts)
    await expect.poll(() => doubtsByApi(rig), SETTLED).toEqual(doubts)
  })

  test("HTTP to an undeclared host is refused on a port of the mesh, also where everything may leave", async () => {
    await expect
      .poll(() => requestsTold(rig), SETTLED)
      .toEqual({
        "by-json => (undeclared) > (unmatched)": "0/0/1/0",
        "by-text => (undeclared) > (unmatched)": "0/0/1/0",
        "by-stats => (unknown) > (unmatched)": "0/0/1/0",
      })
  })

  test("the API and the page name them", async () => {
    await expect
      .poll(() => connectionsByApi(rig), SETTLED)
      .toEqual({ "till.doubt": 6, "(undeclared)": 12, "(aws)": 2, "(unknown)": 4 })
    const routes = (await tableRows(rig, "/routes?kind=synthetic&window=60m")).join("\n")
    expect(routes).toMatch(/\(undeclared\) Connections to hosts that the mesh declares no backend for.*TCP/)
    expect(routes).toMatch(/\(aws\) Connections to AWS.*own hosts.*TCP/)
    const doubtful = (await tableRows(rig, "/proxies?window=60m")).join("\n")
    expect(doubtful).toMatch(/^\(undeclared\).*\| 12 connections$/m)
    expect(doubtful).toMatch(/^\(aws\).*\| 2 connections$/m)
    expect(doubtful).toMatch(/^\(unknown\).*\| 4 connections$/m)
    expect(unaccountedTold(rig)).toEqual({})
  })
})
