import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { makeTally } from "../../agent/account/tally.ts"
import { GrpcFrames } from "../../agent/collect/receive/als-frames.ts"
import { ByteBudget } from "../../agent/collect/receive/byte-budget.ts"
import { LineReader } from "../../agent/decode/access-log/line-reader.ts"
import { EntryReader } from "../../agent/decode/als/entry-reader.ts"
import { ownerOf } from "../../agent/intakes/entry-owner.ts"
import { EntryStreams, type StreamingProxy } from "../../agent/intakes/entry-streams.ts"
import type { AdminAddress } from "../../mesh/proxy.ts"
import { httpEntry, message } from "../fixtures/als/entries.ts"
import { resolvingFor, SHOP } from "../fixtures/config-dump/resolving.ts"

const NODE = "mesh/shop/virtualNode/front_ns"

const tcp = (host: string): AdminAddress => ({ kind: "tcp", host, port: 9901 })
const config = (id: string) => ({ node: { id } })

describe("whose a stream is", () => {
  const OWN = new Set(["10.0.0.1"])
  const at = (name: string, admin: AdminAddress, nodeId = NODE) => ({
    target: { name, admin },
    config: config(nodeId),
    identity: undefined,
  })
  const a = at("a", tcp("10.1.0.1"))
  const b = at("b", tcp("10.1.0.2"))
  const other = at("other", tcp("10.1.0.3"), "mesh/shop/virtualNode/other")
  const shared = at("shared", tcp("127.0.0.1"))
  const unix = at("unix", { kind: "unix", path: "/run/admin" })

  test.each([
    ["its own address", [a, b, other], NODE, "10.1.0.1", "a"],
    ["another's address", [a, b, other], NODE, "10.1.0.2", "b"],
    ["the address of a proxy with another node id", [a, b, other], NODE, "10.1.0.3", "other_address"],
    ["an address of nobody here", [a], NODE, "10.1.0.9", "other_address"],
    ["a node id of nobody here", [a, b], "mesh/x", "10.1.0.1", "unknown_proxy"],
    ["no node id", [at("none", tcp("10.1.0.1"), "")], "", "10.1.0.1", "unknown_proxy"],
    ["this host's address, one proxy", [a, other], NODE, "10.0.0.1", "a"],
    ["this host's address, several", [a, b], NODE, "10.0.0.1", "ambiguous"],
    ["loopback, one proxy", [shared, other], NODE, "127.0.0.1", "shared"],
    ["loopback, two at one address", [shared, at("twin", tcp("127.0.0.1"))], NODE, "127.0.0.1", "ambiguous"],
    ["a pod's address, where the admin interface is a socket", [unix], NODE, "10.1.0.9", "unix"],
    [
      "a pod's address, of two sockets",
      [unix, at("u2", { kind: "unix", path: "/u" })],
      NODE,
      "10.1.0.9",
      "ambiguous",
    ],
  ])("%s", (_, proxies, nodeId, peer, wanted) => {
    const owner = ownerOf(proxies, nodeId, peer, OWN)
    expect(typeof owner === "string" ? owner : owner.target.name).toBe(wanted)
  })
})

function stand(mostBytes = 1_000_000) {
  let now = 0
  const proxies: StreamingProxy[] = []
  const taken: number[] = []
  const counters = {
    access: 0,
    proxy: 0,
    other: 0,
    outlier: 0,
    malformed: 0,
    intermediate: 0,
    uncounted: 0,
    repeated: 0,
  }
  const budget = new ByteBudget(mostBytes)
  const streams = new EntryStreams({
    clock: { monotonic: () => now },
    budget,
    holdMs: 1000,
    own: new Set(),
    proxies: () => proxies,
    lines: { counters, entry: (_, __, fact) => void taken.push(fact.code) },
  })
  const arrive = (read = true): void => {
    const { resolver, provenances, identity } = resolvingFor(SHOP, "front_ns")
    const reader = new LineReader([])
    const entries = new EntryReader({ requestHeaders: [], grpcStatus: false })
    proxies.splice(0)
    proxies.push({
      target: { admin: tcp("10.1.0.1") },
      config: config(NODE),
      identity,
      binding: read ? { reader, entries, resolver, provenances } : undefined,
      tally: makeTally(),
      doubt: () => undefined,
    })
  }
  const pass = (ms: number): void => {
    now += ms
    streams.look()
  }
  return { streams, budget, taken, counters, arrive, pass }
}

const first = (...codes: number[]) =>
  message(
    "http",
    codes.map((code) => httpEntry({ code })),
    { nodeId: NODE },
  )
const next = (...codes: number[]) =>
  message(
    "http",
    codes.map((code) => httpEntry({ code })),
  )

test("entries of a proxy that is read are taken at once", () => {
  const { streams, taken, arrive, budget } = stand()
  arrive()
  const stream = streams.opened("10.1.0.1")
  stream.message(first(200, 201))
  stream.message(next(202))
  expect(taken).toEqual([200, 201, 202])
  expect(budget.held).toBe(0)
})

test("entries wait for their proxy, in their order, also when their stream has ended", () => {
  const { streams, taken, arrive, pass, budget } = stand()
  const stream = streams.opened("10.1.0.1")
  stream.message(first(200))
  stream.message(next(201))
  stream.ended()
  pass(500)
  arrive(false)
  pass(100)
  expect(taken).toEqual([])
  arrive()
  pass(100)
  expect(taken).toEqual([200, 201])
  expect(budget.held).toBe(0)
  expect(Object.values(streams.drops).every((count) => count === 0)).toBe(true)
})

test("what nobody comes for is dropped and counted, and after that at once, until somebody comes", () => {
  const { streams, taken, arrive, pass, budget } = stand()
  const stream = streams.opened("10.1.0.1")
  stream.message(first(200, 201))
  pass(1001)
  expect(streams.drops).toMatchObject({ unknown_proxy: 2 })
  stream.message(next(202))
  expect(streams.drops).toMatchObject({ unknown_proxy: 3 })
  arrive(false)
  stream.message(next(203))
  expect(streams.drops).toMatchObject({ not_read: 1 })
  arrive()
  stream.message(next(204))
  expect(taken).toEqual([204])
  expect(budget.held).toBe(0)
})

test("what there is no room for is dropped and counted", () => {
  const { streams, taken, arrive, pass } = stand(first(200).length + 10)
  const stream = streams.opened("10.1.0.1")
  stream.message(first(200))
  stream.message(next(201, 202))
  expect(streams.drops).toMatchObject({ no_room: 2 })
  arrive()
  pass(1)
  expect(taken).toEqual([200])
})

test("a stream that does not say whose it is is refused", () => {
  const { streams } = stand()
  expect(() => streams.opened("10.1.0.1").message(next(200))).toThrow("does not say who streams")
})

test("the end gives up what waits", () => {
  const { streams, budget } = stand()
  streams.opened("10.1.0.1").message(first(200))
  streams.end()
  expect(streams.drops).toMatchObject({ unknown_proxy: 1 })
  expect(budget.held).toBe(0)
})

const framed = (bytes: Buffer): Buffer => {
  const head = Buffer.alloc(5)
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

test("messages come out whole, however their bytes are cut, and nothing stays held", () => {
  const cuts = fc.array(fc.integer({ min: 1, max: 9 }), { minLength: 1 })
  fc.assert(
    fc.property(fc.array(fc.uint8Array({ maxLength: 40 }), { maxLength: 8 }), cuts, (messages, sizes) => {
      const budget = new ByteBudget(1000)
      const frames = new GrpcFrames(100, budget)
      const all = Buffer.concat(messages.map((one) => framed(Buffer.from(one))))
      const out: Buffer[] = []
      const consumer = {
        message: (one: Buffer) => out.push(Buffer.from(one)),
        passedOver: () => expect.unreachable(),
      }
      for (let at = 0, turn = 0; at < all.length; turn++) {
        const size = sizes[turn % sizes.length] ?? 1
        frames.push(all.subarray(at, at + size), consumer)
        at += size
      }
      expect(out).toEqual(messages.map((one) => Buffer.from(one)))
      expect(budget.held).toBe(0)
    }),
  )
})

test("a message without room is passed over and counted, the next is taken", () => {
  const frames = new GrpcFrames(100, new ByteBudget(10))
  const out: string[] = []
  let over = 0
  const consumer = { message: (one: Buffer) => void out.push(one.toString()), passedOver: () => void over++ }
  const all = Buffer.concat([framed(Buffer.alloc(50)), framed(Buffer.from("next"))])
  for (const byte of all) frames.push(Buffer.from([byte]), consumer)
  expect({ out, over }).toEqual({ out: ["next"], over: 1 })
})

test.each([
  ["too large", Buffer.from([0, 0, 0, 0, 101]), "INTAKE_TOO_LARGE"],
  ["compressed", Buffer.from([1, 0, 0, 0, 1]), "INTAKE_MALFORMED"],
])("a message that is %s ends the stream", (_, bytes, code) => {
  const frames = new GrpcFrames(100, new ByteBudget(1000))
  const consumer = { message: () => undefined, passedOver: () => undefined }
  expect(() => frames.push(bytes, consumer)).toThrow(expect.objectContaining({ code }))
})
