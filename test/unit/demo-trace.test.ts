import { gzipSync } from "node:zlib"
import { afterEach, expect, test } from "vitest"
import { startTraceShelf, type TraceShelf } from "../../demo/trace-shelf.ts"
import { traceText } from "../../demo/trace-text.ts"

const TRACE = "6b01f37e0000000000000000000000ee"
const gateway = { "mesh.virtual_gateway": "gw", "http.method": "GET", "http.url": "http://shop/buy" }
const of = (id: string, parentId: string, tags: Record<string, string>, more: object = {}) => ({
  traceId: TRACE,
  id,
  parentId,
  kind: "SERVER",
  name: "ingress",
  timestamp: 1_000_000,
  duration: 2500,
  tags,
  localEndpoint: { serviceName: "" },
  ...more,
})
const RETRIED = [
  of(
    "3",
    "2",
    { "mesh.virtual_node": "pay", "http.status_code": "0", response_flags: "DC", error: "true" },
    {
      timestamp: 1_001_000,
    },
  ),
  of(
    "4",
    "2",
    { "mesh.virtual_node": "pay", "http.status_code": "200", response_flags: "-" },
    {
      timestamp: 1_002_000,
    },
  ),
  of(
    "2",
    "1",
    { "mesh.virtual_gateway": "gw", "mesh.target": "pay", "http.status_code": "200" },
    {
      kind: "CLIENT",
      timestamp: 1_000_200,
    },
  ),
  of("1", "", {
    ...gateway,
    "mesh.route": "buy",
    "mesh.virtual_service": "shop",
    "http.status_code": "200",
  }),
]

let nowMs = 0
let shelf: TraceShelf | undefined
afterEach(async () => {
  await shelf?.stop()
  shelf = undefined
})

async function put(url: string, body: unknown): Promise<number> {
  const { status } = await fetch(`${url}/api/v2/spans`, {
    method: "POST",
    headers: { "content-encoding": "gzip" },
    body: gzipSync(JSON.stringify(body)),
  })
  return status
}

test("a trace is a tree of who called whom, with names, tries and flags", async () => {
  shelf = await startTraceShelf(() => nowMs)
  expect(await put(shelf.url, RETRIED)).toBe(202)
  expect(shelf.spans()).toBe(4)
  expect(shelf.shown()).toBeUndefined()
  nowMs += 2000
  expect(traceText(shelf.shown() ?? [])).toBe(`Trace ${TRACE}: GET http://shop/buy, 4 spans
   START     TOOK  STATUS
     0.0      2.5     200  gw takes it in, route buy of shop
     0.2      2.5     200    gw calls pay
     1.0      2.5    none      pay takes it in, flags DC, failed
     2.0      2.5     200      pay takes it in`)
})

const one = (traceId: string, code: string) => ({
  ...of("1", "", { "http.status_code": code }),
  traceId,
})

test("a fault is shown rather than what is longer, and of what is alike the newest", async () => {
  shelf = await startTraceShelf(() => nowMs)
  for (const [traceId, code] of [
    ["a", "503"],
    ["b", "503"],
    ["c", "404"],
  ] as const)
    await put(shelf.url, [one(traceId, code)])
  nowMs += 2000
  expect(shelf.shown()?.[0]?.traceId).toBe("b")
})

test("what is no span is refused, and spans that call each other in a ring end", async () => {
  shelf = await startTraceShelf(() => nowMs)
  expect(await put(shelf.url, [{ traceId: "a" }])).toBe(400)
  const ring = [of("1", "2", {}), of("2", "1", {})]
  expect(traceText(ring)).toBe("")
})
