import { createHash } from "node:crypto"
import { once } from "node:events"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest"
import { type Ended, RunningCommand } from "./command.ts"

/** What a user sees who got something wrong: the real program, its words, its exit code, and what stays on disk. */
let folder = ""
const running: RunningCommand[] = []

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "meshscope-robust-"))
})
afterEach(async () => {
  for (const command of running.splice(0)) await command.end("SIGKILL")
})
afterAll(() => rm(folder, { recursive: true, force: true }))

function meshscope(...words: string[]): RunningCommand {
  const command = new RunningCommand(words)
  running.push(command)
  return command
}

async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

/** A configuration that works, with another state folder for each name. */
function config(name: string, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  return file(
    `${name}.yaml`,
    JSON.stringify({
      agent: { id: name, state: join(folder, `${name}-state`) },
      discover: { static: { targets: [] } },
      publish: { prometheus: { listen: "127.0.0.1:0" } },
      ...more,
    }),
  )
}

const both = (path: string): Promise<Ended[]> =>
  Promise.all([meshscope("agent", "--config", path).ended, meshscope("check", path).ended])

describe("a broken configuration is refused with its place", () => {
  test.each([
    ["not YAML", "agent: {id: a\n", /:2:1: /],
    ["a key that nobody knows", "agent: {id: a}\nscrape:\n  intervall: 5s\n", /:3:3: .*"interval"/],
    ["a duration that is none", "scrape: {interval: fast}\n", /:1:20: scrape\.interval /],
    [
      "a time limit above the interval",
      "scrape:\n  interval: 5s\n  timeout: 6s\n",
      /:3:12: scrape\.timeout /,
    ],
    [
      "a variable that is not set",
      "agent:\n  id: ${MESHSCOPE_NO_SUCH_NAME}\n",
      /:2:\d+: .*MESHSCOPE_NO_SUCH_NAME/,
    ],
    [
      "two targets at one address",
      "discover:\n  static:\n    targets:\n      - {name: a, admin: 127.0.0.1:1}\n      - {name: b, admin: 127.0.0.1:1}\n",
      /:5:26: /,
    ],
    [
      "an address without a port",
      "publish: {prometheus: {listen: localhost}}\n",
      /:1:32: publish\.prometheus\.listen /,
    ],
  ])("%s", async (name, text, place) => {
    const path = await file(`${name.replaceAll(" ", "-")}.yaml`, text)
    for (const { code, out, error } of await both(path)) {
      expect({ code, out }).toEqual({ code: 3, out: "" })
      expect(error.startsWith(path)).toBe(true)
      expect(error).toMatch(place)
      expect(error).not.toContain("    at ")
    }
  })

  test("a broken targets file: the check names its place, the agent waits for it to be mended", async () => {
    const targets = await file("targets.yaml", "targets:\n  - {name: a, adminn: 127.0.0.1:1}\n")
    const path = await config("waits", { discover: { static: { file: targets, interval: "200ms" } } })
    const checked = await meshscope("check", path).ended
    expect(checked).toMatchObject({ code: 3, error: expect.stringMatching(/targets\.yaml:2:\d+: .*"admin"/) })
    const agent = meshscope("agent", "-c", path)
    await agent.says(/targets\.yaml:2:15: .*"code":"CONFIG_INVALID"/)
    await sleep(700)
    await writeFile(targets, "targets:\n  - {name: a, admin: 127.0.0.1:1}\n")
    await agent.says(/The set of proxies changed.*"proxies":1/)
    const told = agent.log.filter(({ target }) => target === "discover.static")
    expect(told.map(({ level }) => level)).toEqual(["warn", "info"])
  })

  test("a model file: missing is a failure, broken is refused with its place", async () => {
    const missing = await config("no-model", { model: { files: [join(folder, "gone.yaml")] } })
    for (const { code, error } of await both(missing))
      expect({ code, error }).toMatchObject({
        code: 1,
        error: expect.stringMatching(/gone\.yaml(?:, which)? cannot be read: it does not exist/),
      })
    const broken = await file(
      "broken-mesh.yaml",
      "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: {name: [\n",
    )
    for (const { code, error } of await both(await config("bad-model", { model: { files: [broken] } })))
      expect({ code, error }).toMatchObject({
        code: 3,
        error: expect.stringMatching(/broken-mesh\.yaml:\d+:\d+/),
      })
  })

  test("a configuration that is not there", async () => {
    for (const { code, error } of await both(join(folder, "nowhere.yaml")))
      expect({ code, error }).toMatchObject({
        code: 1,
        error: expect.stringMatching(/nowhere\.yaml cannot be read/),
      })
  })
})

describe("a state folder", () => {
  test("that another agent uses is left alone and waited for; when that one has ended, the next uses it", async () => {
    const path = await config("locked")
    const first = meshscope("agent", "-c", path)
    const [, url = ""] = await first.says(/"metrics":"([^"]+)"/)
    const stopped = meshscope("agent", "-c", path)
    await stopped.says(/Another agent uses the state folder; waiting for its end/)
    expect(await stopped.end("SIGTERM")).toMatchObject({
      code: 1,
      error: expect.stringContaining(
        `Another agent uses ${join(folder, "locked-state")}. Give each agent its own folder. The setting agent.state names the folder.\n`,
      ),
    })
    const next = meshscope("agent", "-c", path)
    await next.says(/waiting for its end/)
    expect((await fetch(url)).status).toBe(200)
    await first.end("SIGKILL")
    await next.says(/The agent is running/)
  })

  test("of a newer version is refused and kept to the byte", async () => {
    const path = await config("future")
    const agent = meshscope("agent", "-c", path)
    await agent.says(/The agent is running/)
    expect(await agent.end("SIGTERM")).toMatchObject({ code: 0 })
    const state = join(folder, "future-state", "state.sqlite")
    const database = new DatabaseSync(state)
    database.exec("pragma user_version=99; pragma wal_checkpoint(truncate)")
    database.close()
    const before = await hashOf(state)
    expect(await meshscope("agent", "-c", path).ended).toMatchObject({
      code: 1,
      error: `${state} has version 99; this program knows 1. The setting agent.state names the folder.\n`,
    })
    expect(await hashOf(state)).toBe(before)
  })

  test("that is a file, or lies below one", async () => {
    const path = await config("file", { agent: { id: "file", state: await file("a-file", "mine") } })
    const ended = await meshscope("agent", "-c", path).ended
    expect(ended).toMatchObject({
      code: 1,
      error: expect.stringMatching(
        /a-file.* cannot be written: .* The setting agent\.state names the folder\.\n$/,
      ),
    })
    expect(await readFile(join(folder, "a-file"), "utf8")).toBe("mine")
  })
})

test("an address that is taken: the agent says so, ends, and leaves its state folder free", async () => {
  const server = createServer().listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  const path = await config("taken", { publish: { prometheus: { listen: `127.0.0.1:${port}` } } })
  const ended = await meshscope("agent", "-c", path).ended
  expect(ended).toMatchObject({
    code: 1,
    error: `Cannot listen on 127.0.0.1:${port}: another program listens there. End that program, or set publish.prometheus.listen to another address.\n`,
  })
  server.close()
  await meshscope("agent", "-c", path).says(/The agent is running/)
})

test("a damaged state file is set aside and said; counting begins anew", async () => {
  const path = await config("damaged")
  await mkdir(join(folder, "damaged-state"))
  await file("damaged-state/state.sqlite", "this is no database, and never was one".repeat(200))
  const agent = meshscope("agent", "-c", path)
  await agent.says(/The agent is running/)
  expect(agent.log.filter(({ code }) => code === "STATE_CORRUPT")).toHaveLength(1)
})

async function hashOf(path: string): Promise<string> {
  return createHash("sha256")
    .update(await readFile(path))
    .digest("hex")
}
