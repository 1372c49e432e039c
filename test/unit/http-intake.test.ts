import { once } from "node:events"
import { connect as connectHttp2, constants } from "node:http2"
import { connect } from "node:net"
import { deflateSync, gzipSync } from "node:zlib"
import { afterEach, describe, expect, test } from "vitest"
import { MeshscopeError } from "#mesh/errors.ts"
import { HttpIntake, type HttpIntakeConfig } from "../../agent/collect/receive/http-intake.ts"
import { OTLP_ANSWERS, type Taken, ZIPKIN_ANSWERS } from "../../agent/collect/receive/http-intake-answer.ts"
import { GrpcIntake } from "../../agent/collect/receive/http-intake-grpc.ts"
import type { HttpIntakeDeps } from "../../agent/collect/receive/http-intake-work.ts"

const CONFIG: HttpIntakeConfig = {
  listen: { host: "127.0.0.1", port: 0 },
  setting: "receive.zipkin.listen",
  maxBodyBytes: 10_000,
  maxInflatedBytes: 20_000,
  maxConnections: 8,
  timeoutMs: 1000,
}
const JSON_TYPE = { "content-type": "application/json" }
const PROTOBUF = { "content-type": "application/x-protobuf" }

/** A gRPC message with its head. */
function frame(message: Uint8Array, compressed = 0): Buffer {
  const head = Buffer.alloc(5)
  head[0] = compressed
  head.writeUInt32BE(message.length, 1)
  return Buffer.concat([head, message])
}

const stops: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const stop of stops.splice(0)) await stop()
})

/** An intake with both paths; what is taken is kept, and `answer` says what is answered. */
async function intake(
  answer: () => Taken = () => ({ kind: "taken", rejected: 0 }),
  config = CONFIG,
  deps: HttpIntakeDeps = {},
) {
  const bodies: string[] = []
  const take = (body: Buffer, form: string): Taken => {
    bodies.push(`${form} ${body.toString()}`)
    return answer()
  }
  const routes = [
    { path: "/api/v2/spans", answers: ZIPKIN_ANSWERS, take },
    { path: "/v1/traces", answers: OTLP_ANSWERS, take },
  ]
  const server = new HttpIntake(config, routes, deps)
  const url = await server.start()
  stops.push(() => server.stop())
  const post = (path: string, body: string | Uint8Array<ArrayBuffer>, headers: Record<string, string>) =>
    fetch(`${url}${path}`, { method: "POST", body, headers })
  return { server, url, bodies, post }
}

describe("what is taken", () => {
  test.each([
    ["as it is", {}, (body: string) => Buffer.from(body)],
    ["as gzip", { "content-encoding": "gzip" }, gzipSync],
    ["as deflate", { "content-encoding": "deflate" }, deflateSync],
  ] as const)("a body %s is handed over whole", async (_how, headers, pack) => {
    const { bodies, post, server } = await intake()
    const response = await post("/api/v2/spans", Uint8Array.from(pack("[]")), { ...JSON_TYPE, ...headers })
    expect([response.status, await response.text()]).toEqual([202, ""])
    expect(bodies).toEqual(["json []"])
    expect(server.counters()).toMatchObject({ requests: { ok: 1 }, bytes: 2 })
    expect(response.headers.get("access-control-allow-origin")).toBeNull()
  })

  test("OTLP is answered in the form of the request, and told what was rejected", async () => {
    const { post, server } = await intake(() => ({ kind: "taken", rejected: 300, why: "no ids" }))
    const protobuf = await post("/v1/traces", "x", PROTOBUF)
    expect(protobuf.headers.get("content-type")).toBe("application/x-protobuf")
    const inner = [8, 0xac, 2, 18, 6, ...Buffer.from("no ids")]
    expect([...new Uint8Array(await protobuf.arrayBuffer())]).toEqual([10, inner.length, ...inner])
    const json = await post("/v1/traces", "{}", JSON_TYPE)
    expect(await json.json()).toEqual({ partialSuccess: { rejectedSpans: "300", errorMessage: "no ids" } })
    expect(server.counters().requests.partial).toBe(2)
  })
})

describe("what is refused", () => {
  test.each([
    ["another path", "/", JSON_TYPE, 404],
    ["a form of a page in a browser", "/v1/traces", { "content-type": "text/plain" }, 415],
    ["no content type", "/v1/traces", { "content-type": "" }, 415],
    ["another compression", "/v1/traces", { ...JSON_TYPE, "content-encoding": "br" }, 415],
  ])("%s", async (_what, path, headers, status) => {
    const { post, server, bodies } = await intake()
    expect((await post(path, "{}", headers)).status).toBe(status)
    expect(bodies).toEqual([])
    expect(server.counters().requests.refused).toBe(1)
  })

  test("another method, and a browser that asks first", async () => {
    const { url } = await intake()
    for (const method of ["GET", "OPTIONS", "PUT"]) {
      const response = await fetch(`${url}/v1/traces`, { method, headers: JSON_TYPE })
      expect([response.status, response.headers.get("allow")]).toEqual([405, "POST"])
      expect([...response.headers.keys()].filter((name) => name.startsWith("access-control"))).toEqual([])
    }
  })

  test("a body above the limit, told by its length or not", async () => {
    const { url, post, server } = await intake()
    expect((await post("/v1/traces", "x".repeat(10_001), PROTOBUF)).status).toBe(413)
    const parts = new ReadableStream({
      start(controller) {
        for (let part = 0; part < 11; part++) controller.enqueue(Buffer.alloc(1000, "x"))
        controller.close()
      },
    })
    const chunked = await fetch(`${url}/v1/traces`, {
      method: "POST",
      body: parts,
      headers: PROTOBUF,
      duplex: "half",
    })
    expect(chunked.status).toBe(413)
    expect(server.counters().requests.too_large).toBe(2)
  })

  test("a body that grows too large, and one that is not what it says", async () => {
    const { post } = await intake()
    const zip = { ...PROTOBUF, "content-encoding": "gzip" }
    const bomb = await post("/v1/traces", Uint8Array.from(gzipSync(Buffer.alloc(1_000_000))), zip)
    expect(bomb.status).toBe(413)
    const broken = await post("/v1/traces", "not gzip", zip)
    expect([broken.status, Buffer.from(await broken.arrayBuffer()).toString()]).toEqual([
      400,
      expect.stringContaining("not valid gzip"),
    ])
  })

  test("what cannot be decoded is a bad request; what cannot be kept may come again", async () => {
    let full = false
    const { post, server } = await intake(() => {
      if (full) return { kind: "busy", afterS: 7 }
      throw new MeshscopeError("INTAKE_MALFORMED", "The body is not JSON.")
    })
    const bad = await post("/v1/traces", "{", JSON_TYPE)
    expect([bad.status, await bad.json()]).toEqual([400, { code: 3, message: "The body is not JSON." }])
    full = true
    for (const path of ["/v1/traces", "/api/v2/spans"]) {
      const busy = await post(path, "[]", JSON_TYPE)
      expect([busy.status, busy.headers.get("retry-after")]).toEqual([503, "7"])
      await busy.arrayBuffer()
    }
    expect(server.counters().requests).toMatchObject({ malformed: 1, busy: 2 })
  })
})

describe("senders that mean no good", () => {
  test("a slow body and slow headers are cut off", async () => {
    const { url, server } = await intake()
    const { port, hostname } = new URL(url)
    const began = performance.now()
    const slow = [
      "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\nx",
      "POST /v1/traces HTTP/1.1\r\nhost:",
      "",
    ].map(async (head) => {
      const socket = connect(Number(port), hostname)
      socket.on("error", () => {}).write(head)
      const drip = setInterval(() => head !== "" && socket.write("x"), 100)
      socket.resume()
      await once(socket, "close")
      clearInterval(drip)
    })
    await Promise.all(slow)
    expect(performance.now() - began).toBeLessThan(4000)
    expect(server.counters().requests.broken).toBe(1)
  })

  test("connections above the limit are closed at once", async () => {
    const { url, server } = await intake()
    const { port, hostname } = new URL(url)
    const sockets = Array.from({ length: 12 }, () => connect(Number(port), hostname).on("error", () => {}))
    await expect.poll(() => server.counters().droppedConnections).toBe(4)
    for (const socket of sockets) socket.destroy()
  })

  test("many large bodies together are told to come again", async () => {
    const { url, server } = await intake(undefined, { ...CONFIG, maxConnections: 50 })
    const { port, hostname } = new URL(url)
    const head =
      "POST /v1/traces HTTP/1.1\r\nhost: a\r\ncontent-type: application/json\r\ncontent-length: 10000\r\n\r\n"
    const sockets = Array.from({ length: 20 }, () => {
      const socket = connect(Number(port), hostname)
      socket.on("error", () => {}).write(head + "x".repeat(9999))
      return socket
    })
    await expect.poll(() => server.counters().requests.busy).toBeGreaterThan(5)
    for (const socket of sockets) socket.destroy()
  })

  test("a flood gets half of the time; the rest is told to come again", async () => {
    let nowMs = 0
    const { post, server } = await intake(
      () => {
        nowMs += 400
        return { kind: "taken", rejected: 0 }
      },
      CONFIG,
      { monotonic: () => nowMs },
    )
    const flood = async (bodies: number): Promise<void> => {
      for (let index = 0; index < bodies; index++)
        await (await post("/api/v2/spans", "[]", JSON_TYPE)).arrayBuffer()
    }
    await flood(20)
    const { ok } = server.counters().requests
    expect(ok).toBeLessThan(8)
    expect(server.counters().requests.busy).toBe(20 - ok)
    nowMs += 1000
    await flood(3)
    expect(server.counters().requests.ok).toBeGreaterThan(ok)
  })

  test("an error of ours is told to us, and the sender hears that there was one", async () => {
    const told: unknown[] = []
    const { post, server } = await intake(
      () => {
        throw new TypeError("a mistake")
      },
      CONFIG,
      { failed: (error) => told.push(error) },
    )
    expect((await post("/v1/traces", "{}", JSON_TYPE)).status).toBe(500)
    expect(told).toEqual([new TypeError("a mistake")])
    expect(server.counters().requests.failed).toBe(1)
  })

  test("an address in use is named, with the key to set", async () => {
    const { url } = await intake()
    const again = new HttpIntake(
      { ...CONFIG, listen: { host: "127.0.0.1", port: Number(new URL(url).port) } },
      [],
    )
    await expect(again.start()).rejects.toThrow(/another program listens there.*receive\.zipkin\.listen/)
  })
})

describe("OTLP over gRPC", () => {
  const EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"

  async function grpc(answer: () => Taken = () => ({ kind: "taken", rejected: 0 })) {
    const bodies: string[] = []
    const server = new GrpcIntake({ ...CONFIG, setting: "receive.otlp.grpc.listen" }, (body) => {
      bodies.push(body.toString())
      return answer()
    })
    const session = connectHttp2(await server.start())
    session.on("error", () => {})
    stops.push(async () => {
      session.close()
      await server.stop()
    })
    const call = async (bytes: Uint8Array, headers: Record<string, string> = {}, path = EXPORT) => {
      const stream = session.request({
        ":method": "POST",
        ":path": path,
        "content-type": "application/grpc",
        te: "trailers",
        ...headers,
      })
      let told: Record<string, unknown> = {}
      stream.on("response", (got) => (told = { ...told, ...got }))
      stream.on("trailers", (got) => (told = { ...told, ...got }))
      stream.on("error", () => {})
      const parts: Buffer[] = []
      stream.on("data", (part: Buffer) => parts.push(part))
      stream.end(bytes)
      await once(stream, "close")
      return { status: told["grpc-status"], message: told["grpc-message"], body: Buffer.concat(parts) }
    }
    return { server, session, bodies, call }
  }

  test("a call is taken, plain and gzip, and its answer is a message of its own", async () => {
    const { call, bodies } = await grpc()
    expect(await call(frame(Buffer.from("spans")))).toEqual({
      status: "0",
      message: undefined,
      body: Buffer.alloc(5),
    })
    const zip = await call(frame(gzipSync("more"), 1), { "grpc-encoding": "gzip" })
    expect(zip.status).toBe("0")
    expect(bodies).toEqual(["spans", "more"])
  })

  test.each([
    ["a message that is cut", () => frame(Buffer.from("spans")).subarray(0, 7), {}, "3"],
    ["no message", () => Buffer.alloc(0), {}, "3"],
    ["an unknown compression", () => frame(Buffer.from("x"), 1), { "grpc-encoding": "snappy" }, "3"],
    ["a large message", () => frame(Buffer.alloc(11_000)), {}, "8"],
    ["a bomb", () => frame(gzipSync(Buffer.alloc(1_000_000)), 1), { "grpc-encoding": "gzip" }, "8"],
    ["another content type", () => frame(Buffer.alloc(1)), { "content-type": "application/json" }, "12"],
  ])("%s is refused", async (_what, message, headers, status) => {
    const { call, bodies } = await grpc()
    expect((await call(message(), headers)).status).toBe(status)
    expect(bodies).toEqual([])
  })

  test("an agent that is full is unavailable, so that the sender comes again", async () => {
    const { call, server } = await grpc(() => ({ kind: "busy" }))
    expect((await call(frame(Buffer.alloc(1)))).status).toBe("14")
    expect(server.counters().requests.busy).toBe(1)
  })

  test("a call that does not end is ended", async () => {
    const { session, server } = await grpc()
    const stream = session.request({ ":method": "POST", ":path": EXPORT, "content-type": "application/grpc" })
    stream.on("error", () => {})
    const drip = setInterval(() => stream.write("x"), 100)
    await once(stream, "close")
    clearInterval(drip)
    expect(stream.rstCode).toBe(constants.NGHTTP2_CANCEL)
    await expect.poll(() => server.counters().requests.broken).toBe(1)
  })
})
