import { chmod, chown, mkdir, mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { type Stage, startStage } from "../../../demo/stage.ts"
import { parseKubernetesObjects } from "../../../mesh/declare/kubernetes.ts"
import type { DoctorReport } from "../../../mesh/doctor-report.ts"
import type { OnceReport } from "../../../mesh/once-report.ts"
import { VERSION } from "../../../mesh/version.ts"
import { ROOT } from "../../fixtures/deploy/objects.ts"
import { freePort } from "../../live/rig/free-port.ts"
import { pageCounts } from "../../live/rig/page-counts.ts"
import { apiByRoute, truthByRoute } from "../../live/rig/routes-told.ts"
import { REQUEST_NAMES, truthRequests } from "../../live/rig/truth-counts.ts"
import { containerLog, type Docker, startDocker } from "./docker.ts"
import { answers, HELD, startHeld, until } from "./held.ts"
import { ourImage } from "./our-image.ts"

/** Our image, held as the chart holds it. */
const MODEL = join(ROOT, "demo/yelb-extended.yaml")
const REQUESTS = 400
const OWN_USER = 65_532
const SOON = { timeout: 30_000, interval: 500 }
const NODE = "/usr/local/bin/node"

let docker: Docker
let image = ""
let folder = ""

beforeAll(async () => {
  const { name, archive } = await ourImage()
  image = name
  docker = await startDocker()
  await docker.run("load", "--input", archive)
  folder = await mkdtemp(join(tmpdir(), "meshscope-image-"))
  await chmod(folder, 0o755)
}, 1_200_000)

afterAll(async () => {
  await docker?.stop()
  if (folder !== "") await rm(folder, { recursive: true, force: true })
})

const once = (...words: string[]): Promise<string> => docker.run("run", "--rm", ...HELD, ...words)
const script = (text: string): Promise<string> => once("--entrypoint", NODE, image, "-e", text)
const inspected = async (what: string, name: string): Promise<unknown> =>
  JSON.parse(await docker.run("inspect", "--format", `{{json ${what}}}`, name))

describe("the image", () => {
  test("says its version, as a user of its own", async () => {
    expect(await once(image, "--version")).toBe(`meshscope ${VERSION}\n`)
    const told = await script(
      "console.log(process.getuid(), process.getgid(), process.version, process.env.HOME)",
    )
    expect(told).toBe(`${OWN_USER} ${OWN_USER} ${process.version} /nonexistent\n`)
  })

  test("answers to the command's name, and with help when nothing is asked", async () => {
    expect(await once(image)).toContain("Usage: meshscope COMMAND")
    expect(await once("--entrypoint", "meshscope", image, "version")).toBe(`meshscope ${VERSION}\n`)
  })

  test("needs no program of its base, a shell least of all", async () => {
    const without = ["--tmpfs", "/usr/bin", "--tmpfs", "/usr/sbin"]
    expect(await once(...without, image, "--version")).toBe(`meshscope ${VERSION}\n`)
    await expect(once(...without, "--entrypoint", "/bin/sh", image, "-c", "true")).rejects.toThrow("/bin/sh")
  })

  test("holds no source, no source maps, no npm", async () => {
    const files = (await script("console.log(fs.readdirSync('/usr/local', { recursive: true }).join('\\n'))"))
      .trim()
      .split("\n")
    expect(files.filter((file) => /\.(?:ts|map)$|npm|node_modules/.test(file))).toEqual([])
    expect(files).toContain("lib/meshscope/LICENSE")
  })

  test("leaves room in its limit: the heap ends well before it", async () => {
    const entrypoint: unknown = await inspected(".Config.Entrypoint", image)
    const flags = Array.isArray(entrypoint) ? entrypoint.map(String).slice(1, -1) : []
    const ask = "console.log(v8.getHeapStatistics().heap_size_limit / 2 ** 20)"
    const told = Number(await once("--entrypoint", NODE, image, ...flags, "-e", ask))
    expect(told).toBeGreaterThan(120)
    expect(told).toBeLessThan(180)
  })

  test("has a state folder that its user can write", async () => {
    const words = ["run", "--rm", "--cap-drop=ALL", "--network=host", "--entrypoint", NODE, image, "-e"]
    const write = "fs.writeFileSync('/var/lib/meshscope/a', 'b'); console.log('written')"
    expect(await docker.run(...words, write)).toBe("written\n")
  })
})
const at = (port: number, path: string): string => `http://127.0.0.1:${port}${path}`
const page = async (port: number): Promise<string> => (await fetch(at(port, "/metrics"))).text()
const told = async (port: number) => pageCounts(await page(port), "mesh_requests_total", REQUEST_NAMES)

/** What a command says of what runs in a container, by the configuration that was made for it. */
const looked = async <T>(id: string, name: string, ...words: string[]): Promise<T> =>
  JSON.parse(
    await docker.run("exec", id, "meshscope", ...words, "--config", join(folder, `${name}.yaml`)),
  ) as T

describe("beside real Envoys", () => {
  let stage: Stage
  const ports = { collector: 0, own: 0, root: 0 }
  const started: string[] = []
  const ask = async <T>(path: string): Promise<T> =>
    (await (await fetch(at(ports.collector, `/api/v1${path}`))).json()) as T

  async function everyProxyUp(port: number): Promise<boolean> {
    const up = Object.values(pageCounts(await page(port), "mesh_proxy_up", ["proxy"]))
    return up.length === stage.fleet.proxies.length && up.every((value) => value === 1)
  }

  async function startAgent(name: "own" | "root", uid: number, publish: object): Promise<void> {
    ports[name] = await freePort()
    const config = {
      agent: { id: name },
      discover: { static: { file: stage.fleet.targetsFile } },
      scrape: { interval: "1s" },
      logs: { start: "beginning", poll: "200ms" },
      commit: "500ms",
      model: { files: [MODEL] },
      publish: { prometheus: { listen: `127.0.0.1:${ports[name]}` }, ...publish },
    }
    const reads = [MODEL, dirname(stage.fleet.targetsFile)]
    started.push(
      await startHeld(docker, { part: "agent", name, folder, user: `${uid}:${uid}`, config, reads, image }),
    )
    await until(`agent ${name} reads every proxy`, () => everyProxyUp(ports[name]))
  }

  async function startCollector(): Promise<void> {
    ports.collector = await freePort()
    const config = {
      listen: `127.0.0.1:${ports.collector}`,
      store: { step: "1s", folder: "/var/lib/meshscope" },
    }
    const user = `${OWN_USER}:${OWN_USER}`
    started.push(
      await startHeld(docker, { part: "collector", name: "collector", folder, user, config, image }),
    )
    await until("the collector answers", () => answers(at(ports.collector, "/healthz")))
  }

  beforeAll(async () => {
    const { model } = parseKubernetesObjects(await readFile(MODEL, "utf8"), MODEL)
    const runDir = join(folder, "stage")
    await mkdir(runDir)
    const options = { model, runDir, logs: { "*": "json" }, flushMs: 200, seed: 5 } as const
    stage = await startStage({ ...options, envoy: await envoyBinary() })
    // As the kubelet keeps them: root's, and of those in one group
    for (const { log } of stage.fleet.proxies) {
      await chown(log, 0, OWN_USER)
      await chmod(log, 0o640)
    }
    await startCollector()
    await startAgent("own", OWN_USER, { otlp: { endpoint: at(ports.collector, ""), interval: "1s" } })
    await startAgent("root", 0, {})
    await stage.run(REQUESTS)
  }, 300_000)

  afterAll(() => stage?.stop())

  test("an agent as the image's own user counts to the request", async () => {
    const { requests } = await stage.truth()
    await expect.poll(() => told(ports.own), SOON).toEqual(truthRequests(requests))
  })

  test("and so does one as the chart runs it: root without a capability reads root's logs", async () => {
    const { requests } = await stage.truth()
    await expect.poll(() => told(ports.root), SOON).toEqual(truthRequests(requests))
  })

  test("the collector tells the same", async () => {
    const { requests } = await stage.truth()
    await expect.poll(() => apiByRoute(ask), SOON).toEqual(truthByRoute(requests))
  })

  test("doctor, once and bundle look around beside both, in what those may use", async () => {
    const [collector = "", own = ""] = started
    const doctors = [
      await looked<DoctorReport>(own, "own", "doctor", "--json"),
      await looked<DoctorReport>(collector, "collector", "doctor", "--json"),
      (await looked<{ doctor: DoctorReport }>(own, "own", "bundle")).doctor,
      (await looked<{ doctor: DoctorReport }>(collector, "collector", "bundle")).doctor,
    ]
    for (const { checks } of doctors) expect(checks.filter(({ state }) => state === "missing")).toEqual([])
    const { proxies, requests } = await looked<OnceReport>(own, "own", "once", "--json")
    expect(proxies.filter(({ ok }) => ok)).toHaveLength(stage.fleet.proxies.length)
    expect(requests).not.toEqual([])
  })

  test("all end in time when they are told to, and none was killed for its memory", async () => {
    for (const id of started.toReversed()) {
      await docker.run("stop", "--time", "30", id)
      const state = await inspected(".State", id)
      const log = await containerLog(docker, id)
      expect({ state, log }).toMatchObject({ state: { ExitCode: 0, OOMKilled: false } })
    }
  })
})
