import { createSocket } from "node:dgram"
import { afterEach, describe, expect, test } from "vitest"
import type { Clock } from "#mesh/clock.ts"
import { systemClock } from "#mesh/clock.ts"
import { dropsIn } from "../../agent/collect/receive/kernel-drops.ts"
import { WorkShare } from "../../agent/collect/receive/work-share.ts"
import { documentStart } from "../../agent/collect/receive/xray-header.ts"
import { startXrayUdp, type XrayUdp } from "../../agent/collect/receive/xray-udp.ts"

const HEADER = '{"format":"json","version":1}\n'
const ends: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const end of ends.splice(0)) await end()
})

describe("the header of a datagram", () => {
  const rows: readonly [string, string, number | string][] = [
    ["as Envoy writes it", `${HEADER}{}`, HEADER.length],
    ["as the SDKs write it", '{"format": "json", "version": 1}\n{}', 33],
    ["in capitals", '{"Format":"JSON","VERSION":1}\n{}', 30],
    ["with more in it", '{"format":"json","version":1,"x":2}\n{}', 36],
    ["only the first line feed divides", `${HEADER}{\n}\n`, HEADER.length],
    ["another format", '{"format":"xml","version":1}\n{}', "bad_header"],
    ["another version", '{"format":"json","version":2}\n{}', "bad_header"],
    ["a version that is a text", '{"format":"json","version":"1"}\n{}', "bad_header"],
    ["no line feed", '{"format":"json","version":1}', "bad_header"],
    ["a document without header", '{"name":"x",\n"id":1}', "bad_header"],
    ["null", "null\n{}", "bad_header"],
    [
      "a header of two kilobytes",
      `{"format":"json","version":1,"x":"${"y".repeat(2000)}"}\n{}`,
      "bad_header",
    ],
    ["nothing", "", "bad_header"],
    ["nothing behind it", HEADER, "no_document"],
  ]
  test.each(rows)("%s", (_, datagram, expected) => {
    expect(documentStart(Buffer.from(datagram))).toBe(expected)
  })
})

test("a share of the time, with what was spared for a burst", () => {
  const share = new WorkShare(0.5, 100, 0)
  expect(share.allows(0)).toBe(true)
  share.spend(120)
  expect(share.allows(39)).toBe(false)
  expect(share.allows(41)).toBe(true)
  expect(share.allows(100_000)).toBe(true)
  share.spend(101)
  expect(share.allows(100_000)).toBe(false)
})

test("the kernel's table of sockets", () => {
  const table = [
    "   sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode ref pointer drops",
    "  518: 0100007F:07D0 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 111 2 0000000000000000 42",
    "  519: 0200007F:07D0 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 112 2 0000000000000000 7",
    "",
  ].join("\n")
  expect(dropsIn(table, { host: "127.0.0.1", port: 2000 })).toBe(42)
  expect(dropsIn(table, { host: "127.0.0.2", port: 2000 })).toBe(7)
  expect(dropsIn(table, { host: "127.0.0.1", port: 2001 })).toBeUndefined()
  expect(dropsIn("nonsense", { host: "127.0.0.1", port: 2000 })).toBeUndefined()
})

async function listening(document: (bytes: Buffer) => void, clock: Clock = systemClock): Promise<XrayUdp> {
  const udp = await startXrayUdp(
    { listen: { host: "127.0.0.1", port: 0 }, receiveBufferBytes: 1_048_576, share: 0.5 },
    { clock, document },
  )
  ends.push(() => udp.stop())
  return udp
}

async function sender(udp: XrayUdp): Promise<(datagram: string | Buffer) => Promise<void>> {
  const socket = createSocket("udp4")
  await new Promise<void>((resolve) => socket.connect(udp.address.port, udp.address.host, resolve))
  ends.push(() => new Promise((resolve) => socket.close(() => resolve())))
  return (datagram) =>
    new Promise((resolve, reject) =>
      socket.send(datagram, (error) => (error === null ? resolve() : reject(error))),
    )
}

const until = async (met: () => boolean): Promise<void> => {
  for (const end = Date.now() + 5000; !met() && Date.now() < end; ) await systemClock.sleep(5)
  if (!met()) throw new Error("did not happen within 5 s")
}

describe("a socket on loopback", () => {
  test("hands documents on as they came and counts what is none", async () => {
    const documents: string[] = []
    const udp = await listening((bytes) => documents.push(bytes.toString()))
    const send = await sender(udp)
    const large = JSON.stringify({ text: "x".repeat(65_000) })
    for (const datagram of [`${HEADER}{"a":"\n"}`, "hello", HEADER, "", `${HEADER}${large}`])
      await send(datagram)
    await until(() => udp.counters().received === 5)
    expect(documents).toEqual(['{"a":"\n"}', large])
    expect(udp.counters()).toMatchObject({
      passed: 2,
      dropped: { bad_header: 2, no_document: 1, overload: 0 },
      kernelDropped: 0,
    })
    expect(udp.counters().receiveBufferBytes).toBeGreaterThan(0)
  })

  test("what comes while there is no time for it is dropped and counted", async () => {
    let nowMs = 0
    const clock: Clock = { ...systemClock, monotonic: () => nowMs }
    const udp = await listening(() => {
      nowMs += 1000
    }, clock)
    const send = await sender(udp)
    for (let sent = 0; sent < 5; sent++) await send(`${HEADER}{}`)
    await until(() => udp.counters().received === 5)
    expect(udp.counters()).toMatchObject({ passed: 1, dropped: { overload: 4 } })
    nowMs += 2000
    await send(`${HEADER}{}`)
    await until(() => udp.counters().received === 6)
    expect(udp.counters().passed).toBe(2)
  })

  test("what the kernel had to drop is told", async () => {
    const udp = await listening(() => undefined)
    const send = await sender(udp)
    const datagram = Buffer.concat([Buffer.from(HEADER), Buffer.alloc(60_000, "x")])
    const sent: Promise<void>[] = []
    // Sent without letting the receiver have its turn.
    for (let count = 0; count < 400; count++) sent.push(send(datagram))
    await Promise.all(sent)
    await until(() => udp.counters().received > 0)
    await systemClock.sleep(100)
    await udp.look()
    const { received, kernelDropped } = udp.counters()
    expect(received + kernelDropped).toBe(400)
  })

  test("an address that is taken is said by name", async () => {
    const udp = await listening(() => undefined)
    const again = startXrayUdp(
      { listen: udp.address, receiveBufferBytes: 65_536, share: 0.5 },
      { clock: systemClock, document: () => undefined },
    )
    await expect(again).rejects.toMatchObject({ code: "LISTEN_FAILED" })
    await expect(again).rejects.toThrow(/Cannot listen on 127\.0\.0\.1:\d+: another program listens there\./)
  })

  test("after stop nothing is handed over, and its port is free", async () => {
    let documents = 0
    const udp = await listening(() => documents++)
    const { address } = udp
    await udp.stop()
    await udp.stop()
    const next = await startXrayUdp(
      { listen: address, receiveBufferBytes: 65_536, share: 0.5 },
      { clock: systemClock, document: () => undefined },
    )
    ends.push(() => next.stop())
    expect(documents).toBe(0)
  })
})
