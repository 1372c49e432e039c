import { gunzipSync, gzipSync } from "node:zlib"
import { describe, expect, it } from "vitest"
import type { z } from "zod"
import { METRICS } from "#mesh/catalogue.ts"
import { ADMITTED, admission } from "../../collector/access/admission.ts"
import { makeOwnMetrics } from "../../collector/api/own-metrics.ts"
import { problemSchema } from "../../collector/api/query-schemas.ts"
import {
  collectorHealthSchema,
  declaredModelSchema,
  errorRatiosSchema,
  graphSchema,
  proxiesSchema,
  resourcesSchema,
  routeDetailSchema,
  routesSchema,
  summarySchema,
  unmappedSchema,
} from "../../collector/api/view-schemas.ts"
import { buildApp } from "../../collector/app.ts"
import { YelbStory } from "../fixtures/collector/yelb-story.ts"
import { jsonRequest, protobufRequest, type TestResource } from "../fixtures/otlp-in/otlp-writer.ts"

const REFUSED = { kind: "refused", message: "not that one" } as const

interface More {
  readonly token?: string
  readonly maxConcurrent?: number
}

function appOf(story: YelbStory, more: More = {}) {
  const { collector } = story
  const failures: unknown[] = []
  const metrics = makeOwnMetrics(collector.store, collector.intake, "1.2.3")
  const shown = more.token
  const admitting = admission(
    shown === undefined ? [] : [{ check: (token) => Promise.resolve(token === shown ? ADMITTED : REFUSED) }],
  )
  const app = buildApp({
    answers: collector.answers,
    intake: {
      intake: collector.intake,
      limits: { maxBodyBytes: 100_000, maxInflatedBytes: 200_000, maxConcurrent: more.maxConcurrent ?? 4 },
      admission: admitting,
      nowMs: () => collector.now,
      took: metrics.took,
    },
    model: { admission: admitting, home: undefined },
    metrics,
    version: "1.2.3",
    failed: (error) => failures.push(error),
  })
  return { app, failures }
}

const post = (
  app: ReturnType<typeof appOf>["app"],
  body: Uint8Array<ArrayBuffer> | string,
  headers: Record<string, string>,
) => app.request("/v1/metrics", { method: "POST", body, headers })
const bytes = (buffer: Buffer): Uint8Array<ArrayBuffer> => Uint8Array.from(buffer)

describe("the summary API", () => {
  const story = new YelbStory().declare().proxies().hosts("v2", "ui", 0, 3).minutes(3, 6)
  story.one.add(
    "requests",
    {
      mesh: "yelb",
      flavor: "app-mesh",
      reporter: "source",
      virtual_service: "(undeclared)",
      route: "(unmatched)",
      source: "ui",
      outcome: "error",
      provenance: "log",
    },
    9,
  )
  story.pass(15_000).pass(15_000)
  const { app } = appOf(story)

  it.each<[string, z.ZodType]>([
    ["/api/v1/summary", summarySchema],
    ["/api/v1/summary?window=1m&mesh=yelb", summarySchema],
    ["/api/v1/resources", resourcesSchema],
    ["/api/v1/routes?sort=p95&order=up&limit=2&offset=1&health=failing,ok&search=a", routesSchema],
    ["/api/v1/graph?window=60m", graphSchema],
    ["/api/v1/proxies?limit=1", proxiesSchema],
    ["/api/v1/unmapped", unmappedSchema],
    ["/api/v1/model", declaredModelSchema],
    ["/api/v1/error-ratios?step=15&window=15m", errorRatiosSchema],
    ["/api/v1/health", collectorHealthSchema],
  ])("%s answers by its schema", async (path, schema) => {
    const answer = await app.request(path)
    expect(answer.status).toBe(200)
    expect(answer.headers.get("content-type")).toBe("application/json")
    const parsed = schema.safeParse(await answer.json())
    expect(parsed.error?.issues ?? []).toEqual([])
  })

  it("answers for one route by its schema, with filters, and 404 for none", async () => {
    const rows = routesSchema.parse(await (await app.request("/api/v1/routes?search=main")).json()).rows
    const id = rows[0]?.id ?? ""
    const answer = routeDetailSchema.parse(
      await (await app.request(`/api/v1/routes/${id}?caller=ui&target=v2`)).json(),
    )
    expect(answer).toMatchObject({ caller: "ui", target: "v2" })
    const none = await app.request("/api/v1/routes/r-000000000000000")
    expect(none.status).toBe(404)
    problemSchema.parse(await none.json())
  })

  it.each([
    "summary",
    "resources",
    "routes",
    "routes/r-000000000000000",
    "graph",
    "proxies",
    "unmapped",
    "error-ratios",
  ])("%s of a mesh that is not known is 404 with those that are", async (question) => {
    const answer = await app.request(`/api/v1/${question}?mesh=yleb`)
    expect(answer.status).toBe(404)
    expect(problemSchema.parse(await answer.json())).toEqual({
      error: 'No mesh is called "yleb". Known: yelb.',
      problems: [{ parameter: "mesh", message: "expects one of yelb" }],
    })
    const described = await (await app.request("/openapi.json")).text()
    expect(described).toContain("No mesh is called so; those that are known are named")
  })

  it.each([
    ["/api/v1/summary?windw=5m", "windw", "is not a known parameter"],
    ["/api/v1/summary?window=2m", "window", "expects one of 1m, 5m, 15m, 60m"],
    ["/api/v1/routes?limit=0", "limit", "expects a whole number from 1 to 1000"],
    ["/api/v1/routes?limit=abc", "limit", "expects a whole number from 1 to 1000"],
    ["/api/v1/routes?limit=1.5", "limit", "expects a whole number from 1 to 1000"],
    ["/api/v1/error-ratios?step=x", "step", "expects a whole number from 1 to 3600"],
    ["/api/v1/routes?limit=1e9", "limit", "expects a whole number from 1 to 1000"],
    ["/api/v1/routes?offset=x", "offset", "expects a whole number from 0 to 1000000"],
    ["/api/v1/routes?health=fine", "health", "expects one of failing, "],
    ["/api/v1/routes?sort=__proto__", "sort", "expects one of health, "],
    [`/api/v1/routes?search=${"x".repeat(600)}`, "search", "Too big"],
    ["/api/v1/routes/..%2F..%2Fetc", "id", "is not the id of a route"],
    ["/api/v1/health?x=1", "x", "is not a known parameter"],
  ])("%s is refused with a reason", async (path, parameter, message) => {
    const answer = await app.request(path)
    expect(answer.status).toBe(400)
    const [problem] = problemSchema.parse(await answer.json()).problems
    expect(problem?.parameter).toBe(parameter)
    expect(problem?.message).toContain(message)
  })

  it("has one ETag per generation and question, and sends nothing twice", async () => {
    const first = await app.request("/api/v1/summary")
    const etag = first.headers.get("etag") ?? ""
    const again = await app.request("/api/v1/summary", { headers: { "if-none-match": `"other", W/${etag}` } })
    expect([again.status, await again.text()]).toEqual([304, ""])
    const otherWindow = await app.request("/api/v1/summary?window=15m", {
      headers: { "if-none-match": etag },
    })
    expect(otherWindow.status).toBe(200)
    const same = await app.request("/api/v1/summary?window=5m&mesh=")
    expect(same.headers.get("etag")).toBe(etag)
    const before = await (await app.request("/api/v1/summary")).text()
    expect(await first.text()).toBe(before)
    story.pass(15_000)
    expect((await app.request("/api/v1/summary", { headers: { "if-none-match": etag } })).status).toBe(200)
  })

  it("compresses for those who take it, and says so to caches", async () => {
    const plain = await app.request("/api/v1/routes")
    const zipped = await app.request("/api/v1/routes", { headers: { "accept-encoding": "br, gzip;q=0.5" } })
    expect(zipped.headers.get("content-encoding")).toBe("gzip")
    expect(zipped.headers.get("vary")).toBe("accept-encoding")
    expect(gunzipSync(Buffer.from(await zipped.arrayBuffer())).toString()).toBe(await plain.text())
    const refused = await app.request("/api/v1/routes", { headers: { "accept-encoding": "gzip;q=0" } })
    expect(refused.headers.get("content-encoding")).toBeNull()
  })

  it("documents itself: every path with its parameters and schemas, all references resolved", async () => {
    const text = await (await app.request("/openapi.json")).text()
    const document: { openapi: string; paths: object; components: { schemas: object } } = JSON.parse(text)
    expect(document.openapi).toBe("3.1.0")
    expect(Object.keys(document.paths)).toEqual(
      [
        "summary",
        "resources",
        "routes",
        "routes/{id}",
        "graph",
        "proxies",
        "unmapped",
        "error-ratios",
        "model",
        "health",
      ].map((name) => `/api/v1/${name}`),
    )
    const names = Object.keys(document.components.schemas)
    for (const [, name] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) expect(names).toContain(name)
  })

  it("sends headers that keep browsers careful, also with errors", async () => {
    for (const path of ["/api/v1/summary", "/nowhere", "/metrics", "/api/v1/summary?x=1"]) {
      const { headers } = await app.request(path)
      expect(headers.get("x-content-type-options")).toBe("nosniff")
      expect(headers.get("content-security-policy")).toContain("default-src 'none'")
      expect(headers.get("x-frame-options")).toBe("DENY")
      expect(headers.get("access-control-allow-origin")).toBeNull()
    }
  })

  it("tells of itself in Prometheus' words", async () => {
    const text = await (await app.request("/metrics")).text()
    expect(text).toMatch(/mesh_collector_points_total\{result="accepted"\} \d+/)
    expect(text).toMatch(/mesh_collector_series \d+/)
    expect(text).toContain('mesh_collector_build_info{version="1.2.3"} 1')
    expect(text).toContain("mesh_collector_store_up 1")
    expect(text).toContain("process_cpu_seconds_total")
    expect(await (await app.request("/healthz")).text()).toBe("ok")
  })
})

describe("the intake route", () => {
  const RESOURCES: TestResource[] = [
    {
      attributes: { "service.instance.id": "x" },
      metrics: [
        {
          name: METRICS.requests.name,
          kind: "sum",
          points: [{ attributes: { route: "a" }, value: 1, startMs: 1, timeMs: 2 }],
        },
      ],
    },
  ]
  const PROTOBUF = { "content-type": "application/x-protobuf" }
  const JSON_TYPE = { "content-type": "application/json; charset=utf-8" }

  it("takes protobuf and JSON, plain and gzip, and answers in kind", async () => {
    const story = new YelbStory()
    const { app } = appOf(story)
    const protobuf = bytes(protobufRequest(RESOURCES))
    const plain = await post(app, protobuf, PROTOBUF)
    expect([plain.status, plain.headers.get("content-type"), (await plain.arrayBuffer()).byteLength]).toEqual(
      [200, "application/x-protobuf", 0],
    )
    const zipped = await post(app, bytes(gzipSync(protobuf)), { ...PROTOBUF, "content-encoding": "gzip" })
    expect(zipped.status).toBe(200)
    const json = await post(app, JSON.stringify(jsonRequest(RESOURCES)), JSON_TYPE)
    expect([json.status, await json.json()]).toEqual([200, {}])
    expect((await post(app, new Uint8Array(), PROTOBUF)).status).toBe(200)
    expect(story.collector.intake.counts).toMatchObject({ accepted: 1, repeated: 2 })
  })

  it("says in a partial success how many points it refused and why", async () => {
    const { app } = appOf(new YelbStory())
    const bad: TestResource[] = [
      {
        attributes: {},
        metrics: [
          {
            name: "nope",
            kind: "gauge",
            points: Array.from({ length: 300 }, () => ({ attributes: {}, value: 1 })),
          },
        ],
      },
    ]
    const json = await post(app, JSON.stringify(jsonRequest(bad)), JSON_TYPE)
    expect(await json.json()).toEqual({
      partialSuccess: { rejectedDataPoints: "300", errorMessage: "nope is not in the catalogue" },
    })
    const protobuf = await post(app, bytes(protobufRequest(bad)), PROTOBUF)
    const body = Buffer.from(await protobuf.arrayBuffer())
    expect(body.toString("latin1")).toContain("nope is not in the catalogue")
    // Field 1, a message with field 1 = 300 as varint.
    expect([body[0], body[2], body[3], body[4]]).toEqual([10, 8, 172, 2])
  })

  it.each([
    ["a body that is cut", PROTOBUF, bytes(protobufRequest(RESOURCES).subarray(0, 40)), 400],
    ["a body that is no JSON", JSON_TYPE, "{", 400],
    ["gzip that is none", { ...PROTOBUF, "content-encoding": "gzip" }, "x", 400],
    [
      "gzip that is cut",
      { ...PROTOBUF, "content-encoding": "gzip" },
      bytes(gzipSync(protobufRequest(RESOURCES)).subarray(0, 30)),
      400,
    ],
    ["a large body", PROTOBUF, new Uint8Array(100_001), 413],
    ["a bomb", { ...PROTOBUF, "content-encoding": "gzip" }, bytes(gzipSync(Buffer.alloc(50_000_000))), 413],
    ["another type", { "content-type": "text/plain" }, "x", 415],
    ["no type", {}, new Uint8Array(3), 415],
    ["another compression", { ...PROTOBUF, "content-encoding": "br" }, "x", 415],
  ])("refuses %s", async (_what, headers, body, status) => {
    const story = new YelbStory()
    const { app, failures } = appOf(story)
    const answer = await post(app, body, headers)
    expect(answer.status).toBe(status)
    expect(failures).toEqual([])
    expect(story.collector.store.health().series).toBe(0)
  })

  it("answers errors with a status in the encoding of the request", async () => {
    const { app } = appOf(new YelbStory())
    const json = await post(app, "{", JSON_TYPE)
    expect(json.headers.get("content-type")).toBe("application/json")
    expect(await json.json()).toEqual({ code: 3, message: "OTLP body: not valid JSON" })
    const protobuf = Buffer.from(await (await post(app, new Uint8Array([10]), PROTOBUF)).arrayBuffer())
    expect([protobuf[0], protobuf[1], protobuf[2]]).toEqual([8, 3, 18])
    expect(protobuf.subarray(4).toString()).toBe("OTLP body: ends inside a number at byte 1")
  })

  it("asks for the token where one is set", async () => {
    const { app } = appOf(new YelbStory(), { token: "s3cret" })
    const body = bytes(protobufRequest(RESOURCES))
    expect((await post(app, body, PROTOBUF)).status).toBe(401)
    expect((await post(app, body, { ...PROTOBUF, authorization: "Bearer wrong" })).status).toBe(401)
    expect((await post(app, body, { ...PROTOBUF, authorization: "Bearer s3cret" })).status).toBe(200)
    expect((await app.request("/api/v1/summary")).status).toBe(200)
  })

  it("tells senders to come back when too many come at one time", async () => {
    const { app } = appOf(new YelbStory(), { maxConcurrent: 1 })
    const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>()
    const slow = new Request("http://collector/v1/metrics", {
      method: "POST",
      body: readable,
      headers: PROTOBUF,
      duplex: "half",
    })
    const waiting = app.request(slow)
    const busy = await post(app, bytes(protobufRequest(RESOURCES)), PROTOBUF)
    expect([busy.status, busy.headers.get("retry-after")]).toEqual([503, "1"])
    await writable.close()
    expect((await waiting).status).toBe(200)
  })

  it("is not there for other methods", async () => {
    const { app } = appOf(new YelbStory())
    expect((await app.request("/v1/metrics")).status).toBe(404)
  })
})
