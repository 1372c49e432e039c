import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { gzipSync } from "node:zlib"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import { modelText } from "#mesh/model-text.ts"
import type { ModelCollectorConfig } from "../../agent/config/model-schema.ts"
import { collectorModel } from "../../agent/model-collector.ts"
import { declaredFixture } from "../fixtures/config-dump/resolving.ts"
import { onLoopback } from "../fixtures/http/loopback.ts"

const { model } = declaredFixture("yelb.yaml")
const YELB: ParsedModel = { model, notes: ["a note"] }
/** What the collector notes it tells itself. */
const TOLD: ParsedModel = { model, notes: [] }
const EMPTY: ParsedModel = { model: { meshes: [] }, notes: [] }

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** A collector that answers as it is told, and an agent's source that asks it. */
async function asked(answer: Answer, more: Partial<ModelCollectorConfig> = {}) {
  const seen: IncomingMessage["headers"][] = []
  const state = { answer }
  const { url, stop } = await onLoopback(
    createServer((request, response) => {
      seen.push(request.headers)
      state.answer(request, response)
    }),
  )
  const models: ParsedModel[] = []
  const problems: (string | undefined)[] = []
  const ending = new AbortController()
  const config = { url, headers: {}, tls: {}, interval: 20, timeout: 1000, ...more }
  const source = collectorModel(config, {
    clock: systemClock,
    env: {},
    report: (problem) => problems.push(problem?.message),
  })
  const running = source.run((told) => models.push(told), ending.signal)
  onTestFinished(async () => {
    ending.abort()
    await running
    await stop()
  })
  return { url, seen, models, problems, state }
}

test("the model is told once, and asked for by its ETag from then on", async () => {
  const text = modelText(YELB)
  const { seen, models, problems } = await asked(({ headers }, response) => {
    if (headers["if-none-match"] === '"one"') response.writeHead(304).end()
    else response.writeHead(200, { etag: '"one"', "content-encoding": "gzip" }).end(gzipSync(text))
  })
  await expect.poll(() => seen.length).toBeGreaterThan(3)
  expect(models).toEqual([TOLD])
  expect(seen[0]?.["if-none-match"]).toBeUndefined()
  expect(seen[2]?.["if-none-match"]).toBe('"one"')
  expect(new Set(problems)).toEqual(new Set([undefined]))
})

test("another model is told, and one that is broken changes nothing and says where", async () => {
  const { models, problems, state } = await asked((_, response) => response.end(modelText(YELB)))
  await expect.poll(() => models.length).toBeGreaterThan(0)
  state.answer = (_, response) => response.end(modelText(EMPTY).replace('"version":1', '"version":7'))
  await expect.poll(() => problems.at(-1)).toContain("has version 7")
  const told = models.length
  state.answer = (_, response) => response.end(modelText(EMPTY))
  await expect.poll(() => models.length, { timeout: 5000 }).toBeGreaterThan(told)
  expect(models.at(-1)).toEqual(EMPTY)
  expect(problems.at(-1)).toBeUndefined()
})

const BOMB = gzipSync(Buffer.alloc(65 * 1024 ** 2))

test.each<[string, Answer, string]>([
  ["503", (_, response) => response.writeHead(503).end(), "does not know the declared model yet"],
  ["401", (_, response) => response.writeHead(401).end(), "check the token in model.collector.headers"],
  ["403", (_, response) => response.writeHead(403).end(), "does not accept who we are"],
  ["404", (_, response) => response.writeHead(404).end(), "give the collector the setting model"],
  ["500", (_, response) => response.writeHead(500).end(), "status 500"],
  ["304 that nobody asked for", (_, response) => response.writeHead(304).end(), "status 304"],
  ["no JSON", (_, response) => response.end("<html>"), "is not JSON"],
  ["a bomb", (_, response) => response.setHeader("content-encoding", "gzip").end(BOMB), "larger than 64 MiB"],
  [
    "gzip that is none",
    (_, response) => response.setHeader("content-encoding", "gzip").end("no"),
    "cannot be decompressed",
  ],
  [
    "a coding that was not asked for",
    (_, response) => response.setHeader("content-encoding", "br").end("no"),
    "cannot be decompressed",
  ],
  ["a connection that is closed", (_, response) => response.destroy(), "closed the connection"],
])("%s is a problem that says what to do, and no model", async (_, answer, sentence) => {
  const { models, problems, url } = await asked(answer)
  await expect.poll(() => problems.length, { timeout: 5000 }).toBeGreaterThan(0)
  expect(problems[0]).toContain(sentence)
  expect(problems[0]).toContain(url)
  expect(models).toEqual([])
})

test("a redirect is not followed", async () => {
  const elsewhere = await asked((_, response) => response.end(modelText(YELB)))
  const { problems, models } = await asked((_, response) =>
    response.writeHead(302, { location: `${elsewhere.url}/model` }).end(),
  )
  await expect.poll(() => problems[0]).toContain("sends us elsewhere (status 302), which is not followed")
  expect(models).toEqual([])
})

test("a token in a file is read for each request, so that one that was replaced is sent", async () => {
  const folder = mkdtempSync(join(tmpdir(), "model-token-"))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const file = join(folder, "token")
  writeFileSync(file, "first\n")
  const headers = { authorization: { file, prefix: "Bearer " } }
  const { seen } = await asked((_, response) => response.end(modelText(EMPTY)), { headers })
  await expect.poll(() => seen.at(-1)?.authorization).toBe("Bearer first")
  writeFileSync(file, "second\n")
  await expect.poll(() => seen.at(-1)?.authorization).toBe("Bearer second")
})
