import { describe, expect, test } from "vitest"
import type { KubeObject, KubeResource } from "../../kubernetes/contract.ts"
import { NAMESPACES, PODS } from "../fake/kubernetes/fake-kube.ts"
import { Refusal } from "../fake/kubernetes/status.ts"
import { fakeKube, until, watching } from "../fake/kubernetes/watching.ts"

const NODES: KubeResource = { group: "appmesh.k8s.aws", version: "v1beta2", plural: "virtualnodes" }
const pod = (name: string, nodeName = "n1", more: object = {}) => ({
  metadata: { namespace: "a", name },
  spec: { nodeName },
  ...more,
})

describe("a watch", () => {
  test("is one list in pages and one request after it, whatever changes", async () => {
    const fake = await fakeKube()
    for (let at = 0; at < 7; at++) fake.store.put(PODS, pod(`p${at}`))
    const { sets } = watching({ server: fake.url }, PODS, {}, { page: 3 })
    await until(() => fake.watches.open === 1)
    fake.store.put(PODS, pod("p9"))
    fake.store.remove(PODS, "p0", "a")
    await until(() => sets.at(-1)?.includes("a/p9") === true && !sets.at(-1)?.includes("a/p0"))
    expect(sets[0]).toEqual(["a/p0", "a/p1", "a/p2", "a/p3", "a/p4", "a/p5", "a/p6"])
    expect(fake.counts).toEqual({ lists: 1, pages: 2, watches: 1, gets: 0, refused: 0 })
  })

  test("of a part of a kind lists from the server's cache, and sees what comes into the part and leaves it", async () => {
    const fake = await fakeKube()
    fake.store.put(PODS, pod("here"))
    fake.store.put(PODS, pod("there", "n2"))
    const { sets } = watching({ server: fake.url }, PODS, { fieldSelector: "spec.nodeName=n1" })
    await until(() => fake.watches.open === 1)
    fake.store.put(PODS, pod("there", "n1"))
    await until(() => sets.length === 2)
    fake.store.put(PODS, pod("here", "n2"))
    await until(() => sets.length === 3)
    expect(sets).toEqual([["a/here"], ["a/here", "a/there"], ["a/there"]])
    expect(fake.requests[0]?.query).toBe("?resourceVersion=0&limit=500&fieldSelector=spec.nodeName%3Dn1")
  })

  test("of one namespace, by labels, of a kind of a group", async () => {
    const fake = await fakeKube()
    fake.store.define({ resource: NODES, kind: "VirtualNode", namespaced: true })
    const put = (namespace: string, name: string, app: string) =>
      fake.store.put(NODES, { metadata: { namespace, name, labels: { app } } })
    put("a", "one", "x")
    put("a", "two", "y")
    put("b", "one", "x")
    const { sets } = watching({ server: fake.url }, NODES, { namespace: "a", labelSelector: "app=x" })
    await until(() => sets.length > 0)
    expect(sets).toEqual([["a/one"]])
  })

  test("hands over sets that never change afterwards, and each object as `reduce` made it, without managed fields", async () => {
    const fake = await fakeKube()
    const noted = { metadata: { name: "a", managedFields: [{ manager: "x" }], labels: { k: "v" } } }
    fake.store.put(NAMESPACES, noted)
    const whole = watching({ server: fake.url }, NAMESPACES)
    const small = watching({ server: fake.url }, NAMESPACES, {
      reduce: ({ metadata: { name, labels } }: KubeObject) => ({ metadata: { name }, kept: labels?.["k"] }),
    })
    await until(() => whole.sets.length + small.sets.length === 2 && fake.watches.open === 2)
    const before = whole.last()
    expect(before.get("a")?.metadata).toEqual({
      name: "a",
      labels: { k: "v" },
      uid: expect.any(String),
      resourceVersion: "1001",
    })
    fake.store.put(NAMESPACES, { metadata: { name: "b", labels: { k: "w" } } })
    await until(() => whole.sets.length + small.sets.length === 4)
    expect([...before.keys()]).toEqual(["a"])
    expect([...small.last().values()]).toEqual([
      { metadata: { name: "a" }, kept: "v" },
      { metadata: { name: "b" }, kept: "w" },
    ])
  })

  test("goes on from where it was when the server ends it, cuts it, or cuts it within an event: no new list", async () => {
    const fake = await fakeKube()
    fake.store.put(PODS, pod("p1"))
    const { sets, problems } = watching({ server: fake.url }, PODS)
    await until(() => fake.watches.open === 1)
    fake.store.put(PODS, pod("p2"))
    await until(() => sets.length === 2)
    fake.watches.end()
    await until(() => fake.counts.watches === 2 && fake.watches.open === 1)
    await fake.watches.cut()
    fake.store.put(PODS, pod("p3"))
    await until(() => sets.length === 3)
    await fake.watches.cut(
      '{"type":"DELETED","object":{"metadata":{"namespace":"a","name":"p1","resourceVersion":"9',
    )
    await until(() => fake.counts.watches === 4 && fake.watches.open === 1)
    fake.store.put(PODS, pod("p4"))
    await until(() => sets.length === 4)
    expect(sets.at(-1)).toEqual(["a/p1", "a/p2", "a/p3", "a/p4"])
    expect(fake.counts.lists).toBe(1)
    expect(problems).toEqual([])
  })

  test("goes on from a bookmark where nothing of its own changed for long", async () => {
    const fake = await fakeKube()
    fake.store.put(PODS, pod("p1"))
    const { sets } = watching({ server: fake.url }, PODS, { fieldSelector: "spec.nodeName=n1" })
    await until(() => fake.watches.open === 1)
    for (let at = 0; at < 5; at++) fake.store.put(PODS, pod(`other${at}`, "n2"))
    fake.watches.bookmark()
    fake.store.compact()
    fake.watches.end()
    await until(() => fake.counts.watches === 2 && fake.watches.open === 1)
    fake.store.put(PODS, pod("p2"))
    await until(() => sets.length === 2)
    expect(fake.counts.lists).toBe(1)
  })

  for (const goneAs of ["status", "event"] as const)
    test(`lists anew, and not from the cache, when its version is forgotten (410 as ${goneAs}), and tells no problem`, async () => {
      const fake = await fakeKube()
      fake.watches.goneAs = goneAs
      fake.store.put(PODS, pod("p1"))
      const { sets, problems } = watching({ server: fake.url }, PODS, { fieldSelector: "spec.nodeName=n1" })
      await until(() => fake.watches.open === 1)
      // Nobody tells it of this while it is away.
      fake.troubles.push({ verb: "watch", answer: "cut" })
      fake.watches.end()
      fake.store.put(PODS, pod("p2"))
      fake.store.compact()
      await until(() => sets.length === 2 && fake.watches.open === 1)
      expect(sets).toEqual([["a/p1"], ["a/p1", "a/p2"]])
      expect(fake.counts.lists).toBe(2)
      expect(fake.requests.findLast(({ verb }) => verb === "list")?.query).not.toContain("resourceVersion")
      expect(problems.filter((one) => /410|expired/i.test(one))).toEqual([])
    })

  test("that lists anew what did not change tells nothing", async () => {
    const fake = await fakeKube()
    fake.store.put(PODS, pod("p1"))
    const { sets } = watching({ server: fake.url }, PODS)
    await until(() => fake.watches.open === 1)
    fake.watches.expire()
    await until(() => fake.counts.lists === 2 && fake.watches.open === 1)
    expect(sets).toEqual([["a/p1"]])
  })

  test("begins its list anew when the list's own version is forgotten between two pages", async () => {
    const fake = await fakeKube()
    for (let at = 0; at < 4; at++) fake.store.put(PODS, pod(`p${at}`))
    fake.troubles.push({ verb: "list", answer: { status: 410 } })
    const { sets } = watching({ server: fake.url }, PODS, {}, { page: 3 })
    await until(() => sets.length === 1)
    expect(sets[0]).toHaveLength(4)
  })

  const GARBAGE = [
    ["no JSON", "<html>502</html>\n"],
    ["no object", "[1]\n"],
    ["an unknown type", `{"type":"MOVED","object":{"metadata":{"name":"x","resourceVersion":"1"}}}\n`],
    ["an object without a name", `{"type":"ADDED","object":{"metadata":{"resourceVersion":"1"}}}\n`],
    ["an object without a version", `{"type":"ADDED","object":{"metadata":{"name":"x"}}}\n`],
    [
      "labels that are no texts",
      `{"type":"ADDED","object":{"metadata":{"name":"x","resourceVersion":"1","labels":{"a":1}}}}\n`,
    ],
    ["an event without end", "x".repeat(3000)],
  ] as const
  for (const [what, text] of GARBAGE)
    test(`that sends garbage (${what}) is a problem, keeps the set, and begins with a new list`, async () => {
      const fake = await fakeKube()
      fake.store.put(PODS, pod("p1"))
      const { sets, problems } = watching({ server: fake.url }, PODS, {}, { eventBytes: 2000 })
      await until(() => fake.watches.open === 1)
      fake.watches.write(text)
      await until(() => fake.counts.lists === 2 && fake.watches.open === 1)
      fake.store.put(PODS, pod("p2"))
      await until(() => sets.length === 2)
      expect(sets).toEqual([["a/p1"], ["a/p1", "a/p2"]])
      expect(problems).toHaveLength(2)
      expect(problems[0]).toMatch(
        /^The answer to watch pods in all namespaces cannot be understood: an event /,
      )
      expect(problems[1]).toBe("mended")
    })

  test("that the server ends with a trouble of its own lists anew and says why", async () => {
    const fake = await fakeKube()
    const { problems } = watching({ server: fake.url }, PODS)
    await until(() => fake.watches.open === 1)
    fake.watches.fail(new Refusal(500, "InternalError", "etcd event received\nwith PrevKv=nil"))
    await until(() => problems.length === 2)
    expect(problems).toEqual([
      "The Kubernetes API server ended what it was asked to watch pods in all namespaces: etcd event received with PrevKv=nil",
      "mended",
    ])
  })

  test("that is silent for too long is given up and begun again", async () => {
    const fake = await fakeKube()
    const { sets } = watching({ server: fake.url }, PODS, {}, { idleMs: 40 })
    await until(() => fake.counts.watches >= 3)
    fake.store.put(PODS, pod("p1"))
    await until(() => sets.length === 2)
    expect(fake.counts.lists).toBe(1)
  })

  test("whose time is over without rest is not asked for in a hot loop", async () => {
    const fake = await fakeKube()
    const { end } = watching({ server: fake.url }, PODS, {}, { firstRetryMs: 50, mostRetryMs: 50 })
    const until150 = performance.now() + 150
    while (performance.now() < until150) {
      fake.watches.end()
      await new Promise((resolve) => setTimeout(resolve, 1))
    }
    await end()
    expect(fake.counts.watches).toBeLessThan(10)
  })
})

describe("a kind that the server does not know", () => {
  test("is an empty set and no problem, and is asked for again; one that is taken away as well", async () => {
    const fake = await fakeKube()
    const { sets, problems } = watching({ server: fake.url }, NODES)
    await until(() => sets.length === 1)
    fake.store.define({ resource: NODES, kind: "VirtualNode", namespaced: true })
    fake.store.put(NODES, { metadata: { namespace: "a", name: "one" } })
    await until(() => sets.length === 2 && fake.watches.open === 1)
    fake.store.undefine(NODES)
    fake.watches.end()
    await until(() => sets.length === 3)
    expect(sets).toEqual([[], ["a/one"], []])
    expect(problems).toEqual([])
  })
})

describe("a listener that throws", () => {
  test("is told so, and the watch goes on", async () => {
    const fake = await fakeKube()
    fake.store.put(PODS, pod("p1"))
    let times = 0
    const { sets, problems } = watching({ server: fake.url }, PODS, {
      reduce(object) {
        times += 1
        if (times === 1) throw new Error("not this one")
        return object
      },
    })
    await until(() => sets.length === 1 && problems.length === 2)
    expect(problems).toEqual([
      "What the Kubernetes API server told could not be taken: Error: not this one",
      "mended",
    ])
  })
})
