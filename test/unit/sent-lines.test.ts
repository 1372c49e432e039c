import { describe, expect, test } from "vitest"
import { makeTally } from "../../agent/account/tally.ts"
import { ByteBudget } from "../../agent/collect/receive/byte-budget.ts"
import { LineReader } from "../../agent/decode/access-log/line-reader.ts"
import { EntryReader } from "../../agent/decode/als/entry-reader.ts"
import { readForward } from "../../agent/decode/forward/forward-message.ts"
import { containerOwner } from "../../agent/intakes/container-owner.ts"
import { ForwardMessages } from "../../agent/intakes/forward-connection.ts"
import { type Delivery, type SendingProxy, SentLines } from "../../agent/intakes/sent-lines.ts"
import { resolvingFor, SHOP } from "../fixtures/config-dump/resolving.ts"
import { forwarded, type Packable } from "../fixtures/forward/packing.ts"

const ID = "0123456789abcdef".repeat(4)
const TASK = "arn:aws:ecs:us-west-2:111122223333:task/shop/abc"

const proxy = (name: string, labels: Record<string, string>, sent = true) => ({
  target: { name, sent, labels },
})
const names = (id: string, name = "", taskArn = "") => ({ id, name, taskArn })

describe("whose a container's output is", () => {
  const byId = proxy("by-id", { container_id: ID })
  const byShort = proxy("by-short", { container_id: ID.slice(0, 12) })
  const byTask = proxy("by-task", { task_arn: TASK, container_name: "envoy" })

  test.each([
    ["its id", [byId, byTask], names(ID), "by-id"],
    ["its short id", [byId], names(ID.slice(0, 12)), "by-id"],
    ["its id, of which the short form is known", [byShort], names(ID), "by-short"],
    ["too short an id", [byId], names(ID.slice(0, 11)), "unknown_container"],
    ["another id", [byId], names("f".repeat(64)), "unknown_container"],
    [
      "another id of the same task and name",
      [proxy("p", { ...byTask.target.labels, container_id: ID })],
      names("f".repeat(64), "envoy", TASK),
      "unknown_container",
    ],
    ["task and name", [byId, byTask], names("", "/envoy", TASK), "by-task"],
    ["another name of the task", [byTask], names("", "app", TASK), "unknown_container"],
    [
      "nothing at all",
      [proxy("bare", {}), proxy("empty", { container_id: "", task_arn: "" })],
      names(""),
      "unknown_container",
    ],
    [
      "one whose output is not sent",
      [proxy("p", { container_id: ID }, false)],
      names(ID),
      "unknown_container",
    ],
    ["two with one id", [byId, byShort], names(ID), "ambiguous"],
  ])("%s", (_, proxies, wanted, name) => {
    const owner = containerOwner(proxies, wanted)
    expect(typeof owner === "string" ? owner : owner.target.name).toBe(name)
  })
})

function stand({ maxLineBytes = 100, mostBytes = 1_000_000 } = {}) {
  let now = 0
  const proxies: SendingProxy[] = []
  const taken: string[] = []
  const budget = new ByteBudget(mostBytes)
  const lines = new SentLines({
    clock: { monotonic: () => now },
    budget,
    holdMs: 1000,
    maxLineBytes,
    proxies: () => proxies,
    lines: { sent: (_, bytes, start, end) => void taken.push(bytes.toString("utf8", start, end)) },
  })
  const arrive = (read = true): void => {
    const { resolver, provenances, identity } = resolvingFor(SHOP, "front_ns")
    const entries = new EntryReader({ requestHeaders: [], grpcStatus: false })
    const binding = read ? { reader: new LineReader([]), entries, resolver, provenances } : undefined
    const target = { sent: true, labels: { container_id: ID } }
    proxies.splice(0, 1, { target, binding, identity, tally: makeTally(), doubt: () => undefined })
  }
  const send = (...records: Readonly<Record<string, Packable>>[]): Delivery => {
    const delivery = { waiting: 0 }
    readForward(
      forwarded(
        "forward",
        records.map((one) => Object.assign({ container_id: ID }, one)),
      ),
      1_000_000,
      {
        record: (record) => lines.take(record, delivery),
        other: () => undefined,
      },
    )
    return delivery
  }
  const pass = (ms: number): void => {
    now += ms
    lines.look()
  }
  return { lines, budget, taken, arrive, send, pass }
}

test("lines wait for their proxy in their order, and their delivery with them", () => {
  const { taken, arrive, send, pass, budget } = stand()
  const delivery = send({ log: "a" }, { log: "b" })
  expect(delivery.waiting).toBe(2)
  arrive(false)
  pass(500)
  expect(delivery.waiting).toBe(2)
  arrive()
  send({ log: "c" })
  expect(taken).toEqual(["a", "b", "c"])
  expect([delivery.waiting, budget.held]).toEqual([0, 0])
})

test("what nobody comes for is dropped and counted, and its delivery waits no more", () => {
  const { lines, send, pass, budget } = stand()
  const delivery = send({ log: "a" }, { log: "b", container_id: "other" })
  pass(1001)
  expect(lines.drops).toMatchObject({ unknown_container: 2 })
  expect([delivery.waiting, budget.held]).toEqual([0, 0])
})

test("what there is no room for is dropped and counted", () => {
  const { lines, send } = stand({ mostBytes: 600 })
  send({ log: "a" }, { log: "b" })
  expect(lines.drops).toMatchObject({ no_room: 1 })
})

const piece = (log: string, partial_id: string, last = false) => ({
  log,
  partial_message: "true",
  partial_id,
  partial_last: String(last),
})

test("pieces of two lines that come among each other become those lines", () => {
  const { taken, arrive, send } = stand()
  arrive()
  const first = send(piece("a", "1"), piece("x", "2"), { log: "between" })
  expect(first.waiting).toBe(2)
  const last = send(piece("b", "1", true), piece("y", "2", true))
  expect(taken).toEqual(["between", "ab", "xy"])
  expect([first.waiting, last.waiting]).toEqual([0, 0])
})

test("Dockers that tell no id of a line end it with a piece that is none", () => {
  const { taken, arrive, send } = stand()
  arrive()
  send(
    { log: "a", partial_message: "true" },
    { log: "b", partial_message: "true" },
    { log: "c" },
    { log: "d" },
  )
  expect(taken).toEqual(["abc", "d"])
})

test("lines that are too long, whole or in pieces, are dropped and counted", () => {
  const { lines, taken, arrive, send } = stand({ maxLineBytes: 5 })
  arrive()
  send({ log: "123456" }, piece("123", "1"), piece("456", "1", true), { log: "12345" })
  expect(lines.drops).toMatchObject({ line_too_long: 2 })
  expect(taken).toEqual(["12345"])
})

test("of lines that never end the oldest are given up", () => {
  const { lines, send } = stand()
  const deliveries = Array.from({ length: 300 }, (_, at) => send(piece("a", String(at))))
  expect(lines.drops).toMatchObject({ unfinished: 44 })
  expect(deliveries.filter(({ waiting }) => waiting > 0)).toHaveLength(256)
  for (let turn = 0; turn < 2048; turn++) send(piece("", "endless"))
  expect(lines.drops).toMatchObject({ unfinished: 46 })
})

test("a connection hands messages over whole, byte by byte or at once, and holds nothing afterwards", () => {
  const all = Buffer.concat([
    forwarded("forward", [{ log: "a" }], { chunk: "1" }),
    forwarded("packed", [{ log: "b" }, { log: "c" }]),
    forwarded("compressed", [{ log: "d" }], { chunk: "2" }),
  ])
  for (const size of [1, 7, all.length]) {
    const budget = new ByteBudget(100_000)
    const told: string[] = []
    let count = 0
    const connection = new ForwardMessages({
      budget,
      limits: { maxMessageBytes: 10_000, maxInflatedBytes: 10_000 },
      secret: undefined,
      isFull: () => false,
      visitor: () => ({
        record: ({ bytes, spans }) => void told.push(bytes.toString("utf8", spans[0], spans[1])),
        other: () => expect.unreachable(),
      }),
      acknowledge: (chunk) => void told.push(`ack ${chunk}`),
      send: () => expect.unreachable(),
      count: () => void count++,
    })
    for (let at = 0; at < all.length; at += size) connection.data(all.subarray(at, at + size))
    expect(told).toEqual(["a", "ack 1", "b", "c", "d", "ack 2"])
    expect([count, budget.held]).toEqual([3, 0])
  }
})
