import { createServer, type RequestListener } from "node:http"
import { expect, onTestFinished, test } from "vitest"
import { JsonLines } from "../../kubernetes/json-lines.ts"
import { makeTokenReviewer } from "../../kubernetes/token-review.ts"
import { PODS } from "../fake/kubernetes/fake-kube.ts"
import { until, watching } from "../fake/kubernetes/watching.ts"

async function serving(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve))
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const address = server.address()
  if (typeof address !== "object" || address === null) throw new Error("no port")
  return `http://127.0.0.1:${address.port}`
}

const EMPTY = JSON.stringify({ items: [], metadata: { resourceVersion: "1" } })
const isWatch = (url: string | undefined): boolean => url?.includes("watch=1") === true

test("a list that drips is given up, and told", async () => {
  let lists = 0
  const server = await serving((_, response) => {
    lists++
    const drip = setInterval(() => response.write(" "), 10)
    response.on("close", () => clearInterval(drip))
  })
  const { sets, problems } = watching({ server }, PODS, {}, { pageMs: 100 })
  await until(() => lists === 2)
  expect(problems[0]).toMatch(/does not answer to list pods in all namespaces: no answer came in time\.$/)
  expect(sets).toEqual([])
})

test("a watch that drips beyond its end is begun again", async () => {
  let watches = 0
  const server = await serving((request, response) => {
    if (!isWatch(request.url)) {
      response.end(EMPTY)
      return
    }
    watches++
    const drip = setInterval(() => response.write("\n"), 10)
    response.on("close", () => clearInterval(drip))
  })
  const { problems } = watching({ server }, PODS, {}, { watchSeconds: 0.01, idleMs: 50 })
  await until(() => watches === 2)
  expect(problems).toEqual([])
})

test("a watch that is reset while it is open is asked for once more, not twice", async () => {
  let open = 0
  let watches = 0
  const server = await serving((request, response) => {
    if (!isWatch(request.url)) {
      // The watch then comes by the same connection.
      response.end(EMPTY)
      return
    }
    watches++
    open++
    response.on("close", () => open--)
    response.write("\n")
    if (watches === 1) setTimeout(() => request.socket.resetAndDestroy(), 30)
  })
  const { sets } = watching({ server }, PODS)
  await until(() => watches === 2)
  await new Promise((resolve) => setTimeout(resolve, 200))
  expect({ watches, open }).toEqual({ watches: 2, open: 1 })
  expect(sets).toEqual([[]])
})

test("a version that is forgotten under an open watch is no trouble: it is listed anew", async () => {
  let lists = 0
  const server = await serving((request, response) => {
    if (!isWatch(request.url)) {
      lists++
      response.end(EMPTY)
      return
    }
    const gone = { type: "ERROR", object: { kind: "Status", code: 410, message: "too old resource version" } }
    response.write(`${JSON.stringify(gone)}\n`)
  })
  const { problems } = watching({ server }, PODS)
  await until(() => lists === 3)
  expect(problems).toEqual([])
})

test.for([
  ["good", { authenticated: true, audiences: ["meshscope", "x"], user: { username: "u" } }, true],
  ["for another audience", { authenticated: true, audiences: ["x"], user: { username: "u" } }, false],
  // As a server answers that knows nothing of audiences: whose token it is, nobody asked.
  ["for none", { authenticated: true, user: { username: "u" } }, false],
  ["not good", { authenticated: false, audiences: ["meshscope"], user: { username: "u" } }, false],
  ["nobody's", { authenticated: true, audiences: ["meshscope"], user: {} }, false],
] as const)("a token that is %s", async ([, status, authenticated]) => {
  const server = await serving((_, response) => {
    response.statusCode = 201
    response.end(JSON.stringify({ status }))
  })
  const reviewer = makeTokenReviewer({ server })
  expect(await reviewer.review("t", "meshscope", AbortSignal.timeout(5000))).toEqual({
    authenticated,
    username: authenticated ? "u" : "",
  })
})

test("watches that end as soon as they begin are begun more and more seldom", async () => {
  let watches = 0
  const server = await serving((request, response) => {
    if (isWatch(request.url)) watches++
    response.end(isWatch(request.url) ? "" : EMPTY)
  })
  watching({ server }, PODS, {}, { firstRetryMs: 20, mostRetryMs: 10_000 })
  await until(() => watches > 0)
  await new Promise((resolve) => setTimeout(resolve, 600))
  // 15, 30, 60, 120, 240 ms, and then beyond the end.
  expect(watches).toBeLessThanOrEqual(7)
})

function pushed(...pieces: string[]): (boolean | string)[] {
  const lines = new JsonLines(5)
  const told: string[] = []
  return [
    ...pieces.map((piece) => lines.push(Buffer.from(piece), (line) => told.push(String(line)) > 0)),
    told.join(),
  ]
}

test("a line that came in pieces may not be longer than one that came whole", () => {
  expect(pushed("aaaaa\n")).toEqual([true, "aaaaa"])
  expect(pushed("aaaaaa\n")).toEqual([false, ""])
  expect(pushed("aaa", "aa\nb")).toEqual([true, true, "aaaaa"])
  expect(pushed("aaa", "aaa\n")).toEqual([true, false, ""])
  expect(pushed("aaaaaa")).toEqual([false, ""])
})
