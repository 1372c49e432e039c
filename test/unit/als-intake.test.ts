import { once } from "node:events"
import { type ClientHttp2Session, connect, type OutgoingHttpHeaders } from "node:http2"
import { afterEach, expect, test } from "vitest"
import { AlsIntake } from "../../agent/collect/receive/als-intake.ts"
import { ByteBudget } from "../../agent/collect/receive/byte-budget.ts"
import { malformed } from "../../agent/decode/protobuf-wire.ts"

const PATH = "/envoy.service.accesslog.v3.AccessLogService/StreamAccessLogs"
const ends: (() => unknown)[] = []
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

async function stand() {
  const told: string[] = []
  const unexpected: unknown[] = []
  const intake = new AlsIntake(
    { listen: { host: "127.0.0.1", port: 0 }, maxMessageBytes: 1000, maxConnections: 2 },
    {
      budget: new ByteBudget(10_000),
      opened: (peer) => ({
        message(bytes) {
          const text = bytes.toString()
          if (text === "bad") throw malformed("is bad")
          if (text === "worse") throw new Error("nobody expected that")
          told.push(`${peer} ${text}`)
        },
        ended: () => void told.push("ended"),
      }),
      failed: (error) => void unexpected.push(error),
    },
  )
  const address = await intake.start()
  ends.push(() => intake.stop())
  const session: ClientHttp2Session = connect(address)
  session.on("error", () => undefined)
  ends.push(() => session.destroy())
  return { intake, told, unexpected, session }
}

const framed = (text: string | Buffer, compressed = 0): Buffer => {
  const bytes = Buffer.from(text)
  const head = Buffer.from([compressed, 0, 0, 0, 0])
  head.writeUInt32BE(bytes.length, 1)
  return Buffer.concat([head, bytes])
}

/** Sends what a stream holds. @returns the gRPC status that it ends with */
async function call(
  session: ClientHttp2Session,
  body: Buffer,
  headers: OutgoingHttpHeaders = {},
): Promise<string> {
  const request = session.request({
    ":method": "POST",
    ":path": PATH,
    "content-type": "application/grpc",
    te: "trailers",
    ...headers,
  })
  let status = ""
  request.on("response", (answer) => {
    status = String(answer["grpc-status"] ?? status)
  })
  request.on("trailers", (trailers) => {
    status = String(trailers["grpc-status"] ?? "")
  })
  request.on("error", () => undefined)
  request.resume()
  request.end(body)
  await once(request, "close")
  return status
}

test("messages of a stream are handed over, and its end is answered", async () => {
  const { intake, told, session } = await stand()
  expect(await call(session, Buffer.concat([framed("a"), framed(""), framed("b")]))).toBe("0")
  expect(told).toEqual(["127.0.0.1 a", "127.0.0.1 ", "127.0.0.1 b", "ended"])
  expect(intake.counters().requests).toMatchObject({ ok: 3, malformed: 0 })
})

test.each([
  ["a message that is none", framed("bad"), "3", "malformed"],
  ["a compressed message", framed("x", 1), "3", "malformed"],
  ["a message that is too large", framed(Buffer.alloc(1001)), "8", "too_large"],
  ["an error that nobody expected", framed("worse"), "13", "failed"],
])("%s ends its stream, and no other", async (_, body, status, result) => {
  const { intake, told, unexpected, session } = await stand()
  expect(await call(session, Buffer.concat([framed("a"), body, framed("after")]))).toBe(status)
  expect(told).toEqual(["127.0.0.1 a", "ended"])
  expect(intake.counters().requests).toMatchObject({ ok: 1, [result]: 1 })
  expect(unexpected).toHaveLength(result === "failed" ? 1 : 0)
  expect(await call(session, framed("next"))).toBe("0")
})

test.each([
  ["another service", { ":path": "/envoy.service.metrics.v3.MetricsService/StreamMetrics" }],
  ["no gRPC", { "content-type": "application/json" }],
  ["another method", { ":method": "PUT" }],
])("%s is turned away", async (_, headers) => {
  const { intake, told, session } = await stand()
  expect(await call(session, framed("a"), headers)).toBe("12")
  expect(told).toEqual([])
  expect(intake.counters().requests).toMatchObject({ refused: 1 })
})

test("connections beyond the limit are closed and counted", async () => {
  const { intake, session } = await stand()
  await once(session, "connect")
  const address = `http://127.0.0.1:${session.socket.remotePort}`
  const others = [connect(address), connect(address)]
  for (const other of others) {
    other.on("error", () => undefined)
    ends.push(() => other.destroy())
  }
  await expect.poll(() => intake.counters().droppedConnections).toBe(1)
})

test("an end does not wait for streams that never end", async () => {
  const { intake, told, session } = await stand()
  const request = session.request({ ":method": "POST", ":path": PATH, "content-type": "application/grpc" })
  request.on("error", () => undefined)
  request.write(framed("a"))
  await expect.poll(() => told).toEqual(["127.0.0.1 a"])
  await intake.stop()
  expect(told).toEqual(["127.0.0.1 a", "ended"])
})
