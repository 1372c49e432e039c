import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { createServer as createSecureServer } from "node:https"
import { TLSSocket } from "node:tls"
import { expect, onTestFinished, test } from "vitest"
import { resultOf } from "../../agent/publish/http/answer-result.ts"
import {
  makePushClient,
  type PushAnswer,
  type PushConfig,
  type PushOrder,
} from "../../agent/publish/http/push-client.ts"
import { testCertificates } from "../fixtures/http/certificates.ts"
import { onLoopback } from "../fixtures/http/loopback.ts"

const NOW = Date.UTC(2026, 0, 1)
const RULES = { retryable: (status: number) => status === 429 || status >= 500 }

type Handler = (request: IncomingMessage, response: ServerResponse, body: Buffer) => void

const reading = (handler: Handler) => (request: IncomingMessage, response: ServerResponse) => {
  const chunks: Buffer[] = []
  request.on("data", (chunk: Buffer) => chunks.push(chunk))
  request.on("end", () => handler(request, response, Buffer.concat(chunks)))
}

async function listening(server: Parameters<typeof onLoopback>[0]): Promise<string> {
  const { port, stop } = await onLoopback(server)
  onTestFinished(stop)
  return `127.0.0.1:${port}`
}

const receiver = async (handler: Handler) =>
  new URL(`http://${await listening(createServer(reading(handler)))}/in`)
const order = (url: PushOrder["url"], own: Partial<PushOrder> = {}): PushOrder => ({
  method: "POST",
  headers: {},
  body: Buffer.from("hello"),
  ...own,
  url,
})
const soon = () => AbortSignal.timeout(5000)

function client(config: PushConfig = {}): {
  send: (order: PushOrder, signal: AbortSignal) => Promise<PushAnswer>
} {
  const made = makePushClient(config)
  onTestFinished(() => made.close())
  return { send: (one, signal) => made.send(one, signal) }
}

test("headers are asked for before each request, signed last, and connections are kept", async () => {
  const seen: unknown[] = []
  const sockets = new Set<number | undefined>()
  const url = await receiver((request, response, body) => {
    const { authorization, "content-length": length, "x-own": own } = request.headers
    seen.push([request.method, request.url, authorization, own, length, body.toString()])
    sockets.add(request.socket.remotePort)
    response.end("taken")
  })
  let token = 0
  const { send } = client({
    headers: () => Promise.resolve({ authorization: `Bearer ${++token}` }),
    signer: {
      sign: ({ headers, body }) =>
        Promise.resolve({ ...headers, "x-own": `${headers["authorization"]}+${body.length}` }),
      refused: () => undefined,
    },
  })
  const answer = await send(order(url), soon())
  expect(answer).toMatchObject({ kind: "answer", status: 200, body: Buffer.from("taken") })
  await send(
    order(() => Promise.resolve(new URL("/later", url)), { method: "GET" }),
    soon(),
  )
  expect(seen).toEqual([
    ["POST", "/in", "Bearer 1", "Bearer 1+5", "5", "hello"],
    ["GET", "/later", "Bearer 2", "Bearer 2+5", undefined, ""],
  ])
  expect(sockets.size).toBe(1)
})

test.each<[string, PushConfig, Partial<PushOrder>]>([
  ["no secret", { headers: () => Promise.reject(new Error("The file is not there.")) }, {}],
  ["no certificate", { tls: () => Promise.reject(new Error("The file is not there.")) }, {}],
  ["no address", {}, { url: () => Promise.reject(new Error("The file is not there.")) }],
  [
    "no signature",
    { signer: { sign: () => Promise.reject(new Error("The file is not there.")), refused: () => undefined } },
    {},
  ],
])("%s is trouble, not a failure", async (_, config, own) => {
  const url = await receiver((_request, response) => void response.end())
  expect(await client(config).send(order(own.url ?? url), soon())).toEqual({
    kind: "trouble",
    why: "The file is not there.",
  })
})

test("what a protocol says of its body stands above headers of the configuration", async () => {
  const seen: unknown[] = []
  const url = await receiver((request, response) => {
    seen.push([request.headers["content-type"], request.headers["x-own"]])
    response.end()
  })
  const own = { "content-type": "text/plain", "x-own": "a" }
  const { send } = client({ headers: () => Promise.resolve(own) })
  await send(order(url, { headers: { "content-type": "application/json" } }), soon())
  expect(seen).toEqual([["application/json", "a"]])
})

test("nobody there, a connection that breaks, and no answer in time are trouble", async () => {
  const gone = await receiver(() => undefined)
  const { send } = client()
  expect(await send(order(gone), AbortSignal.timeout(30))).toEqual({
    kind: "trouble",
    why: "No answer came in time.",
  })
  const stopped = AbortSignal.abort()
  expect(await send(order(gone), stopped)).toEqual({ kind: "trouble", why: "The request was given up." })
  const broken = await receiver((_request, response) => void response.destroy())
  expect(await send(order(broken), soon())).toEqual({
    kind: "trouble",
    why: "The receiver closed the connection without an answer: look into its log (socket hang up)",
  })
  const nobody = new URL("http://127.0.0.1:1/")
  expect(await send(order(nobody), soon())).toMatchObject({ why: expect.stringContaining("ECONNREFUSED") })
})

test("an endless answer is read up to the limit, redirects are not followed", async () => {
  const url = await receiver((request, response) => {
    if (request.url === "/in") {
      const flood = setInterval(() => response.write(Buffer.alloc(65_536)), 1)
      response.on("close", () => clearInterval(flood))
    } else response.writeHead(307, { location: "/in" }).end()
  })
  const { send } = client({ maxAnswerBytes: 100_000 })
  const answer = await send(order(url), soon())
  expect(answer.kind === "answer" && answer.body.length).toBe(100_000)
  const redirect = await send(order(new URL("/away", url)), soon())
  expect(resultOf(redirect, RULES, NOW)).toEqual({
    kind: "rejected",
    reason: "redirected",
    why: expect.stringContaining("(status 307)"),
  })
})

test("a signer hears of refusals, and says which are about it", async () => {
  const statuses = [403, 400, 200]
  const url = await receiver(
    (_request, response) => void response.writeHead(statuses.shift() ?? 500).end("no"),
  )
  const { send } = client({
    signer: {
      sign: ({ headers }) => Promise.resolve(headers),
      refused: (status, _headers, body) =>
        status === 403 ? { why: `Keys have expired: ${body.toString()}`, afterMs: 5 } : undefined,
    },
  })
  const results = [1, 2, 3].map(() => send(order(url), soon()))
  expect((await Promise.all(results)).map((answer) => resultOf(answer, RULES, NOW))).toEqual([
    { kind: "retry", why: "Keys have expired: no", afterMs: 5 },
    { kind: "rejected", reason: "invalid", why: "status 400 no" },
    { kind: "accepted" },
  ])
})

test.each([
  [401, {}, { kind: "retry" }],
  [403, {}, { kind: "rejected", reason: "denied" }],
  [404, {}, { kind: "rejected", reason: "not_found" }],
  [413, {}, { kind: "rejected", reason: "too_large" }],
  [429, { "retry-after": "7" }, { kind: "retry", afterMs: 7000 }],
  [503, { "retry-after": "Thu, 01 Jan 2026 00:00:05 GMT" }, { kind: "retry", afterMs: 5000 }],
  [503, { "retry-after": "Thu, 01 Jan 2020 00:00:05 GMT" }, { kind: "retry", afterMs: 0 }],
  [500, { "retry-after": "soon" }, { kind: "retry" }],
])("status %i with %j", (status, headers, expected) => {
  const body = Buffer.from("\u0000two\nlines\u001b[31m")
  const why = expect.stringContaining(`status ${status} two lines [31m`)
  expect(resultOf({ kind: "answer", status, headers, body }, RULES, NOW)).toEqual({ ...expected, why })
})

test("an authority of one's own and a client certificate, which may change", async () => {
  const { ca, server, client: own } = testCertificates()
  const named: (string | undefined)[] = []
  const secure = createSecureServer(
    { ...server, ca, requestCert: true, rejectUnauthorized: true },
    reading((request, response) => {
      const { socket } = request
      const subject = socket instanceof TLSSocket ? socket.getPeerCertificate().subject.CN : undefined
      named.push(Array.isArray(subject) ? subject[0] : subject)
      response.end()
    }),
  )
  const url = new URL(`https://${await listening(secure)}/in`)
  let tls: Record<string, string> = {}
  const { send } = client({ tls: () => Promise.resolve(tls) })
  expect(await send(order(url), soon())).toMatchObject({
    kind: "trouble",
    why: expect.stringContaining("certificate"),
  })
  tls = { ca }
  expect(await send(order(url), soon())).toMatchObject({ kind: "trouble" })
  tls = { ca, ...own }
  expect(await send(order(url), soon())).toMatchObject({ kind: "answer", status: 200 })
  expect(named).toEqual(["client"])
})
