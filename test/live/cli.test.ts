import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"

const main = new URL("../../cli/main.ts", import.meta.url).pathname
let folder = ""
const running = new Set<ChildProcess>()
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-live-"))
})
afterEach(() => {
  for (const child of running) child.kill("SIGKILL")
  running.clear()
})
afterAll(() => rm(folder, { recursive: true }))

/** A command under way as a real process. */
function started(...words: string[]) {
  const child = spawn(process.execPath, [main, ...words], { stdio: ["ignore", "pipe", "pipe"] })
  running.add(child)
  const said = { out: "", error: "" }
  child.stdout.setEncoding("utf8").on("data", (text: string) => (said.out += text))
  child.stderr.setEncoding("utf8").on("data", (text: string) => (said.error += text))
  const ended = once(child, "close").then(() => ({ code: child.exitCode, ...said }))
  /** Waits for a text on either stream. */
  const says = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const found = pattern.exec(said.out) ?? pattern.exec(said.error)
      if (found !== null) return found
      if (child.exitCode !== null)
        throw new Error(`It ended before it said ${String(pattern)}: ${said.error}`)
      await new Promise((resolve) => setTimeout(resolve, 20))
    }
  }
  return { child, ended, says }
}
async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

describe("exit codes of the real program", () => {
  test("0, 1, 2 and 3 mean what the help says", async () => {
    const bad = await file("bad.yaml", "discover: 1")
    const results = await Promise.all([
      started("--help").ended,
      started("check", join(folder, "gone.yaml")).ended,
      started("agnt").ended,
      started("check", bad).ended,
    ])
    expect(results.map(({ code }) => code)).toEqual([0, 1, 2, 3])
    expect(results[3]?.error).toBe(`${bad}:1:11: discover expects a mapping, not 1\n`)
  })

  test("a reader that goes away is no failure", async () => {
    const { child, ended } = started("config", "--docs")
    child.stdout.destroy()
    expect(await ended).toMatchObject({ code: 0, error: "" })
  })
})

describe("one look at targets", () => {
  const NOBODY = "discover: { static: { targets: [{ name: gone, admin: '127.0.0.1:9' }] } }\n"

  test("that nobody answers for ends soon, says so once for each, and fails", async () => {
    const looked = await started("once", "-c", await file("once.yaml", NOBODY)).ended
    expect(looked.code).toBe(1)
    expect(looked.out).toMatch(/^gone +NOT READ +The admin interface at 127\.0\.0\.1:9 [^.]*\.\S*$/m)
    expect(looked.out).toContain("No requests were seen.")
  })

  test("that hang is ended by one Ctrl-C", async () => {
    const server = createServer().listen(0, "127.0.0.1")
    await once(server, "listening")
    const address = server.address()
    const port = typeof address === "object" && address !== null ? address.port : 0
    const text = `discover: { static: { targets: [{ name: hangs, admin: '127.0.0.1:${port}' }] } }\nscrape: { interval: 1h, timeout: 10m }\n`
    const looking = started("once", "-c", await file("hangs.yaml", text))
    await once(server, "connection")
    looking.child.kill("SIGINT")
    expect(await looking.ended).toMatchObject({ code: 130, out: "" })
    server.close()
  })
})

describe("a real collector", () => {
  test("runs by its configuration, answers routes, and ends on SIGTERM", async () => {
    const config = await file("collector.yaml", "listen: 127.0.0.1:${PORT:-0}\n")
    const collector = started("collector", "--config", config)
    const [, url = ""] = await collector.says(/"url":"(http:[^"]+)"/)
    expect(await started("routes", "--collector", url).ended).toMatchObject({
      code: 0,
      error: "",
      out: expect.stringMatching(
        /^No route is known yet\.\n\n(Complete|INCOMPLETE): 0 of 0 proxies answered/,
      ),
    })
    const asJson = await started("routes", "--collector", url, "--json", "--window", "60m").ended
    expect(JSON.parse(asJson.out)).toMatchObject({ windowSeconds: 3600, rows: [], next: null })

    const watching = started("routes", "--collector", url, "--watch", "--interval", "1s")
    await watching.says(/proxies answered[^]*proxies answered/)
    watching.child.kill("SIGINT")
    expect(await watching.ended).toMatchObject({ code: 0, error: "" })

    collector.child.kill("SIGTERM")
    expect(await collector.ended).toMatchObject({ code: 0, error: expect.stringContaining("has stopped") })
  })

  test("an address that is taken is said in words", async () => {
    const first = started("collector", "-c", await file("one.yaml", "listen: 127.0.0.1:0\n"))
    const [, port = ""] = await first.says(/"url":"http:\/\/127\.0\.0\.1:(\d+)"/)
    const second = started("collector", "-c", await file("two.yaml", `listen: 127.0.0.1:${port}\n`))
    expect(await second.ended).toMatchObject({
      code: 1,
      error: `Cannot listen on 127.0.0.1:${port}: another program listens there. End that program, or set listen to another address.\n`,
    })
    first.child.kill("SIGTERM")
    expect(await first.ended).toMatchObject({ code: 0 })
  })
})
