import { afterAll, beforeAll, expect, test } from "vitest"
import type { PeerServer } from "./server.ts"
import { startZipkin } from "./zipkin-server.ts"

let zipkin: PeerServer

beforeAll(async () => {
  zipkin = await startZipkin()
})
afterAll(() => zipkin?.stop())

test("a span that was posted is read back", async () => {
  const span = {
    traceId: "5759e988bd862e3fe1be46a994272793",
    id: "53995c3f42cd8ad8",
    kind: "SERVER",
    name: "get /",
    timestamp: Date.now() * 1000,
    duration: 1000,
    localEndpoint: { serviceName: "ui" },
  }
  const posted = await fetch(`${zipkin.url}/api/v2/spans`, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify([span]),
  })
  expect(posted.status).toBe(202)
  const read = async (): Promise<unknown> =>
    (await fetch(`${zipkin.url}/api/v2/trace/${span.traceId}`)).json().catch(() => undefined)
  await expect.poll(read, { timeout: 5000 }).toEqual([span])
})
