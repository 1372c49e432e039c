import { mkdtempSync, rmSync } from "node:fs"
import { createServer, type Server, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { MeshscopeError } from "#mesh/errors.ts"
import { makeBodyPool } from "../../agent/collect/admin/body.ts"
import { AdminClient, type AdminLimits } from "../../agent/collect/admin/client.ts"
import { makeGate } from "../../agent/collect/admin/gate.ts"
import { ADMIN, type AdminPath } from "../../agent/collect/admin/path.ts"

type Answering = (socket: Socket, request: string, count: number) => void

interface Proxy {
  readonly client: AdminClient
  readonly requests: string[]
  connections: number
}

/** A server that answers as the test says, and a client for it. */
async function proxy(answering: Answering, limits: Partial<AdminLimits> = {}, unix = false): Promise<Proxy> {
  const sockets = new Set<Socket>()
  const requests: string[] = []
  const made = { requests, connections: 0 }
  const server: Server = createServer((socket) => {
    made.connections++
    sockets.add(socket)
    socket.on("error", () => undefined)
    socket.on("data", (piece) => {
      requests.push(piece.toString("latin1"))
      answering(socket, piece.toString("latin1"), requests.length)
    })
  })
  const folder = mkdtempSync(join(tmpdir(), "meshscope-admin-"))
  const path = join(folder, "admin.sock")
  await new Promise<void>((resolve) => {
    if (unix) server.listen(path, resolve)
    else server.listen(0, "127.0.0.1", resolve)
  })
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const client = new AdminClient(unix ? { kind: "unix", path } : { kind: "tcp", host: "127.0.0.1", port }, {
    gate: makeGate(),
    bodies: makeBodyPool(),
    limits: { maxPageBytes: 1_000_000, timeoutMs: 2000, ...limits },
  })
  onTestFinished(() => {
    client.close()
    for (const socket of sockets) socket.destroy()
    server.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return Object.assign(made, { client })
}

const text = (client: AdminClient, path: AdminPath = ADMIN.stats): Promise<string> =>
  client.read(path, ({ body }) => body.toString("latin1"))
const head = (more: string): string => `HTTP/1.1 200 OK\r\ncontent-type: text/plain\r\n${more}\r\n\r\n`
const sized = (body: string): string => `${head(`content-length: ${body.length}`)}${body}`
const chunked = (...chunks: string[]): string =>
  `${head("transfer-encoding: chunked")}${chunks.map((one) => `${one.length.toString(16)}\r\n${one}\r\n`).join("")}0\r\n\r\n`

async function failure(promise: Promise<unknown>): Promise<readonly [string, boolean]> {
  const error: unknown = await promise.then(
    () => undefined,
    (thrown: unknown) => thrown,
  )
  return error instanceof MeshscopeError ? [error.code, error.retryable] : [String(error), false]
}

test("reads bodies with a length and in chunks over one kept connection", async () => {
  const answers = [sized("a: 1\n"), chunked("a: 1\n", "b: 2\n"), sized(""), chunked()]
  const made = await proxy((socket, _, count) => socket.write(answers[count - 1] ?? ""))
  expect(await text(made.client)).toBe("a: 1\n")
  expect(await text(made.client)).toBe("a: 1\nb: 2\n")
  expect(await text(made.client)).toBe("")
  expect(await text(made.client)).toBe("")
  expect(made.connections).toBe(1)
  expect(made.requests[0]).toBe(
    "GET /stats?usedonly HTTP/1.1\r\nhost: localhost\r\nuser-agent: meshscope\r\n\r\n",
  )
})

test("reads over a Unix socket", async () => {
  const made = await proxy((socket) => socket.write(chunked("x")), {}, true)
  expect(await text(made.client)).toBe("x")
})

test("takes an answer in any pieces", async () => {
  const whole = `${head("transfer-encoding: chunked")}5;ext=1\r\nhello\r\n1\r\n!\r\n0\r\ntrailer: x\r\n\r\n`
  const made = await proxy((socket) => {
    void (async () => {
      for (const byte of whole) {
        socket.write(byte)
        await new Promise((resolve) => setImmediate(resolve))
      }
    })()
  })
  expect(await text(made.client)).toBe("hello!")
  expect(await text(made.client)).toBe("hello!")
})

test("a body larger than the buffer grows it, and the buffer is used again", async () => {
  const big = "x".repeat(700_000)
  const made = await proxy((socket, _, count) => socket.write(count === 1 ? sized(big) : sized("small")))
  expect((await text(made.client)).length).toBe(700_000)
  expect(await text(made.client)).toBe("small")
})

test("only the paths of the allow-list can be asked for", async () => {
  const made = await proxy((socket) => socket.write(sized("")))
  const forged: AdminPath = { text: "/quitquitquit", statuses: [200] }
  await expect(text(made.client, forged)).rejects.toThrow(TypeError)
  await expect(text(made.client, { ...ADMIN.stats })).rejects.toThrow(TypeError)
  expect(made.requests).toEqual([])
  const mutating = /quit|reset|logging|healthcheck|drain|runtime_modify|profiler|reopen|tap/
  expect(Object.values(ADMIN).filter((path) => mutating.test(path.text))).toEqual([])
})

const BAD: readonly (readonly [string, string, string])[] = [
  ["not HTTP", "hello\r\n\r\n", "ADMIN_BAD_ANSWER"],
  [
    "a redirect is not followed",
    "HTTP/1.1 302 Found\r\nlocation: /quitquitquit\r\ncontent-length: 0\r\n\r\n",
    "ADMIN_BAD_ANSWER",
  ],
  ["403", "HTTP/1.1 403 Forbidden\r\ncontent-length: 2\r\n\r\nno", "ADMIN_REFUSED"],
  ["404", "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n", "ADMIN_BAD_ANSWER"],
  ["no length", head("x: y"), "ADMIN_BAD_ANSWER"],
  ["two lengths", head("content-length: 1\r\ncontent-length: 2"), "ADMIN_BAD_ANSWER"],
  ["length and chunks", head("content-length: 1\r\ntransfer-encoding: chunked"), "ADMIN_BAD_ANSWER"],
  ["negative length", head("content-length: -1"), "ADMIN_BAD_ANSWER"],
  ["announced too large", head("content-length: 99999999"), "ADMIN_TOO_LARGE"],
  ["compressed", head("content-encoding: gzip\r\ncontent-length: 3"), "ADMIN_BAD_ANSWER"],
  ["garbage behind the body", `${sized("a")}b`, "ADMIN_BAD_ANSWER"],
  ["garbage behind the chunks", `${chunked("a")}HTTP/1.1 200`, "ADMIN_BAD_ANSWER"],
  ["chunk without a size", `${head("transfer-encoding: chunked")}zz\r\n`, "ADMIN_BAD_ANSWER"],
  ["chunk longer than it says", `${head("transfer-encoding: chunked")}1\r\nab\r\n`, "ADMIN_BAD_ANSWER"],
  ["huge chunk", `${head("transfer-encoding: chunked")}ffffffffff\r\n`, "ADMIN_BAD_ANSWER"],
  ["endless head", `HTTP/1.1 200 OK\r\n${"x: y\r\n".repeat(20_000)}`, "ADMIN_BAD_ANSWER"],
  ["endless chunk line", `${head("transfer-encoding: chunked")}${"1".repeat(5000)}`, "ADMIN_BAD_ANSWER"],
  ["interim answers", "HTTP/1.1 100 Continue\r\n\r\n", "ADMIN_BAD_ANSWER"],
]
test.each(BAD)("%s", async (_, answer, code) => {
  const made = await proxy((socket, __, count) => socket.write(count === 1 ? answer : sized("fine")))
  expect(await failure(text(made.client))).toEqual([code, false])
  expect(await text(made.client)).toBe("fine")
})

test("an answer that ends early is refused", async () => {
  const made = await proxy((socket) => socket.end(head("content-length: 10") + "half"))
  expect(await failure(text(made.client))).toEqual(["ADMIN_BAD_ANSWER", false])
})

test("an endless body ends at the byte limit", async () => {
  const made = await proxy((socket) => {
    socket.write(head("transfer-encoding: chunked"))
    const chunk = `10000\r\n${"x".repeat(65_536)}\r\n`
    const more = (): void => {
      while (!socket.destroyed && socket.write(chunk));
      if (!socket.destroyed) socket.once("drain", more)
    }
    more()
  })
  expect(await failure(text(made.client))).toEqual(["ADMIN_TOO_LARGE", false])
})

test("one byte at a time ends at the time limit, and so does silence", async () => {
  const made = await proxy(
    (socket, _, count) => {
      if (count > 1) return
      socket.write(head("content-length: 100"))
      const timer = setInterval(() => socket.write("x"), 20)
      socket.on("close", () => clearInterval(timer))
    },
    { timeoutMs: 150 },
  )
  expect(await failure(text(made.client))).toEqual(["ADMIN_TIMEOUT", true])
  expect(await failure(text(made.client))).toEqual(["ADMIN_TIMEOUT", true])
})

test("nobody listens", async () => {
  const client = new AdminClient(
    { kind: "unix", path: join(tmpdir(), "meshscope-no-such.sock") },
    { gate: makeGate(), bodies: makeBodyPool() },
  )
  expect(await failure(text(client))).toEqual(["ADMIN_UNREACHABLE", true])
})

test("a kept connection that died meanwhile is replaced without a failure", async () => {
  const made = await proxy((socket, _, count) => {
    socket.write(sized(`n${count}`))
    if (count === 1) setTimeout(() => socket.destroy(), 5)
  })
  expect(await text(made.client)).toBe("n1")
  await new Promise((resolve) => setTimeout(resolve, 30))
  expect(await text(made.client)).toBe("n2")
  expect(made.connections).toBe(2)
})

test("a server that closes after each answer is asked on a new connection", async () => {
  const made = await proxy((socket) => socket.end(`${head("connection: close\r\ncontent-length: 1")}x`))
  expect([await text(made.client), await text(made.client)]).toEqual(["x", "x"])
  expect(made.connections).toBe(2)
})

test("bytes that nobody asked for end the connection", async () => {
  const made = await proxy((socket, _, count) => {
    socket.write(sized("a"))
    if (count === 1) setTimeout(() => socket.write("HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nforged"), 10)
  })
  expect(await text(made.client)).toBe("a")
  await new Promise((resolve) => setTimeout(resolve, 50))
  expect(await text(made.client)).toBe("a")
  expect(made.connections).toBe(2)
})

test("/ready may say 503", async () => {
  const made = await proxy((socket) =>
    socket.write("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 8\r\n\r\nDRAINING"),
  )
  expect(await made.client.read(ADMIN.ready, ({ status }) => status)).toBe(503)
})

test("requests of one client wait for each other; what the reader throws comes out", async () => {
  const made = await proxy((socket, _, count) => setTimeout(() => socket.write(sized(String(count))), 5))
  const boom = made.client.read(ADMIN.stats, () => {
    throw new RangeError("boom")
  })
  const rest = [text(made.client), text(made.client)]
  await expect(boom).rejects.toThrow("boom")
  expect(await Promise.all(rest)).toEqual(["2", "3"])
})

test("closing fails what is under way", async () => {
  const made = await proxy(() => undefined)
  const reading = failure(text(made.client))
  setTimeout(() => made.client.close(), 10)
  expect(await reading).toEqual(["ADMIN_UNREACHABLE", false])
})

test("slow proxies give their place at the gate to others", async () => {
  const gate = makeGate({ atOnce: 2, patienceMs: 30, slowAtOnce: 10 })
  const slow = [await gate.enter(), await gate.enter()]
  const started = performance.now()
  const pass = await gate.enter()
  expect(performance.now() - started).toBeGreaterThanOrEqual(25)
  expect(performance.now() - started).toBeLessThan(1000)
  expect(gate.slow).toBeGreaterThanOrEqual(1)
  pass.leave()
  for (const one of slow) {
    one.leave()
    one.leave()
  }
  expect([gate.running, gate.slow, gate.waiting]).toEqual([0, 0, 0])
})
