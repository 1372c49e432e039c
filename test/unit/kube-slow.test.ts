import { createServer, type RequestListener } from "node:http"
import { expect, onTestFinished, test } from "vitest"
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
