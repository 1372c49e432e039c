import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { gzipSync } from "node:zlib"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { METRICS } from "#mesh/catalogue.ts"
import { routesSchema, summarySchema } from "../../collector/api/view-schemas.ts"
import { protobufRequest } from "../fixtures/otlp-in/otlp-writer.ts"

const root = resolve(import.meta.dirname, "../..")
let folder = ""
let running: Running[] = []
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "collector-live-"))
})
afterEach(async () => {
  for (const { child } of running) {
    if (child.exitCode !== null || child.signalCode !== null) continue
    const ended = once(child, "exit")
    child.kill("SIGKILL")
    await ended
  }
  running = []
  rmSync(folder, { recursive: true })
})

interface Running {
  readonly child: ChildProcess
  readonly url: string
  readonly log: () => string
}

function configFile(more = ""): string {
  const file = join(folder, "collector.yaml")
  writeFileSync(
    file,
    `listen: 127.0.0.1:0\nstore: {folder: data, step: 1s}\nagents: {silentAfter: 5s}\n${more}`,
  )
  return file
}

async function start(file = configFile()): Promise<Running> {
  const child = spawn(process.execPath, ["cli/main.ts", "collector", "--config", file], {
    cwd: root,
    stdio: ["ignore", "ignore", "pipe"],
  })
  let log = ""
  child.stderr.on("data", (chunk: Buffer) => {
    log += chunk.toString()
  })
  for (let wait = 0; wait < 300; wait++) {
    const url = /"url":"([^"]+)"/.exec(log)?.[1]
    if (url !== undefined) {
      const made = { child, url, log: () => log }
      running.push(made)
      return made
    }
    if (child.exitCode !== null) break
    await sleep(50)
  }
  throw new Error(`the collector did not start: ${log}`)
}

async function end(collector: Running, signal: NodeJS.Signals): Promise<number | null> {
  const ended = once(collector.child, "exit")
  collector.child.kill(signal)
  const [code] = (await ended) as [number | null]
  return code
}

/** One cumulative value of one route, as the agent of a node would send it. */
async function send(url: string, value: number, startMs: number): Promise<number> {
  const labels = {
    mesh: "yelb",
    flavor: "app-mesh",
    reporter: "source",
    virtual_service: "s",
    virtual_router: "r",
    route: "main",
    source: "ui",
    virtual_node: "v1",
    outcome: "ok",
    code_class: "2xx",
    provenance: "log",
  }
  const body = protobufRequest([
    {
      attributes: { "service.instance.id": "agent-1", "host.name": "node-1" },
      metrics: [
        {
          name: METRICS.requests.name,
          kind: "sum",
          points: [{ attributes: labels, value, integer: true, startMs, timeMs: Date.now() }],
        },
        {
          name: METRICS.proxyUp.name,
          kind: "gauge",
          points: [
            { attributes: { mesh: "yelb", flavor: "app-mesh", virtual_node: "ui", proxy: "ui-1" }, value: 1 },
          ],
        },
      ],
    },
  ])
  const answer = await fetch(`${url}/v1/metrics`, {
    method: "POST",
    body: gzipSync(body),
    headers: { "content-type": "application/x-protobuf", "content-encoding": "gzip" },
  })
  expect((await answer.arrayBuffer()).byteLength).toBe(0)
  return answer.status
}

async function requests(url: string): Promise<number> {
  const answer = routesSchema.parse(await (await fetch(`${url}/api/v1/routes?window=15m`)).json())
  return answer.rows[0]?.numbers.requests ?? 0
}

/** Asks until the answer is there: steps end once a second. */
async function reaches(url: string, wanted: number): Promise<number> {
  let found = -1
  for (let wait = 0; wait < 60 && found !== wanted; wait++) {
    await sleep(100)
    found = await requests(url)
  }
  return found
}

describe("the collector as a process", () => {
  it("counts what an agent sends once, over kill -9 and restarts, and ends clean", async () => {
    const startMs = Date.now()
    let collector = await start()
    let value = 0
    for (let round = 0; round < 4; round++) {
      for (let tick = 0; tick < 5; tick++) {
        value += 7
        expect(await send(collector.url, value, startMs)).toBe(200)
        await sleep(100 * (round + 1))
      }
      await end(collector, "SIGKILL")
      collector = await start()
    }
    // The cumulative value tells also what died with the process before its step was over.
    await send(collector.url, value, startMs)
    expect(await reaches(collector.url, value)).toBe(value)
    expect(await end(collector, "SIGTERM")).toBe(0)
    expect(collector.log()).toContain("The collector has stopped.")
    const again = await start()
    expect(await requests(again.url)).toBe(value)
    expect(await end(again, "SIGINT")).toBe(0)
  })

  it("keeps what came in the last moment before SIGTERM", async () => {
    const first = await start()
    await send(first.url, 5, Date.now())
    expect(await end(first, "SIGTERM")).toBe(0)
    const second = await start()
    expect(await reaches(second.url, 5)).toBe(5)
  })

  it("tells who is silent", async () => {
    const collector = await start()
    await send(collector.url, 5, Date.now())
    await reaches(collector.url, 5)
    const before = summarySchema.parse(await (await fetch(`${collector.url}/api/v1/summary`)).json())
    expect(before.completeness).toMatchObject({ proxiesAnswered: 1, agentsSeen: 1, complete: true })
    await sleep(7000)
    const after = summarySchema.parse(await (await fetch(`${collector.url}/api/v1/summary`)).json())
    expect(after.completeness).toMatchObject({
      proxiesAnswered: 0,
      proxiesKnown: 1,
      agentsSeen: 0,
      agentsKnown: 1,
    })
    expect(after.silentAgents.map((agent) => agent.id)).toEqual(["agent-1"])
    expect(after.verdict.health).toBe("unknown")
  })

  it("serves the pages from the same answers", async () => {
    const collector = await start()
    await send(collector.url, 5, Date.now())
    await reaches(collector.url, 5)
    const page = await fetch(`${collector.url}/`)
    expect(page.headers.get("content-security-policy")).toContain("script-src 'self'")
    expect(await page.text()).toContain("main")
    expect((await fetch(`${collector.url}/routes`)).status).toBe(200)
    expect((await fetch(`${collector.url}/proxies`)).status).toBe(200)
  })

  it("refuses at once what it cannot do, in words", async () => {
    const taken = createServer().listen(0, "127.0.0.1")
    await once(taken, "listening")
    const address = taken.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const file = join(folder, "taken.yaml")
    writeFileSync(file, `listen: 127.0.0.1:${port}\n`)
    await expect(start(file)).rejects.toThrow("Cannot listen on")
    taken.close()
    writeFileSync(file, "listn: 127.0.0.1:0\n")
    await expect(start(file)).rejects.toThrow("listn is not a known key")
    writeFileSync(file, "intake: {tokenFile: nowhere}\n")
    await expect(start(file)).rejects.toThrow(/nowhere cannot be read: it does not exist/)
    await start()
    await expect(start()).rejects.toThrow("is used by another collector")
  })
})
