import {
  appendFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { gzipSync } from "node:zlib"
import { beforeEach, describe, expect, onTestFinished, test } from "vitest"
import { type TailConsumer, TailSource } from "../../agent/collect/tail/tail-source.ts"
import { LineFramer } from "../../agent/decode/access-log/framing.ts"
import { containerLogs } from "../../agent/discover/kubernetes/log-files.ts"
import { podFacts } from "../../agent/discover/kubernetes/pod.ts"
import { type MeshedPod, meshedPod } from "../../agent/discover/kubernetes/pod-proxies.ts"
import { systemClock } from "../../mesh/clock.ts"
import { appMeshEnvoy, podObject } from "../fake/kubernetes/pods.ts"

let root = ""
let folder = ""
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), "pods-"))
  folder = join(root, "shop_p_uid-of-p/envoy")
  mkdirSync(folder, { recursive: true })
  onTestFinished(() => rmSync(root, { recursive: true }))
})

function pod(name = "p", container = "envoy"): MeshedPod {
  const found = meshedPod(
    podFacts(podObject({ name, containers: [appMeshEnvoy({}, { name: container })] })),
    {},
  )
  if (found === undefined) throw new Error("no proxy in the pod")
  return found
}
const logsOf = (restarts: number, of = pod(), container = "envoy") => {
  const { files, trouble } = containerLogs(root, of, container, restarts)
  return { files: files.map((file) => file.slice(folder.length + 1)), trouble: trouble?.message }
}

describe("files of a container", () => {
  test.for([
    ["none is there yet", [], 0, ["0.log"]],
    ["the live one", ["0.log"], 0, ["0.log"]],
    [
      "what the kubelet rotated is not listed",
      ["0.log", "0.log.20261121-101112", "0.log.20261121-101010.gz", "0.log.20261121-101112.tmp"],
      0,
      ["0.log"],
    ],
    ["the one before the restart", ["0.log", "1.log"], 1, ["0.log", "1.log"]],
    ["not the ones before that", ["0.log", "1.log", "2.log"], 2, ["1.log", "2.log"]],
    ["one before that is not the last restart's", ["3.log", "7.log"], 7, ["3.log", "7.log"]],
    ["one after, of which the status does not tell yet", ["0.log", "1.log"], 0, ["0.log", "1.log"]],
    ["tens come after units", ["9.log", "10.log"], 10, ["9.log", "10.log"]],
    ["other names", ["01.log", "x.log", "1.log.gz", "-1.log"], 0, ["0.log"]],
    [
      "the newest of many",
      Array.from({ length: 9 }, (_, at) => `${at}.log`),
      0,
      ["4.log", "5.log", "6.log", "7.log", "8.log"],
    ],
  ] as const)("%s", ([, names, restarts, files]) => {
    for (const name of names) writeFileSync(join(folder, name), "")
    expect(logsOf(restarts)).toEqual({ files, trouble: undefined })
  })

  test("a folder that is missing is a trouble that says what to do", () => {
    const { files, trouble } = containerLogs(join(root, "none"), pod(), "envoy", 0)
    expect(files).toEqual([])
    expect(trouble?.message).toBe(
      `The folder of pods' logs, ${root}/none, cannot be read: it does not exist. Mount the node's folder there (hostPath), let the agent read it, or set discover.kubernetes.logs. Until then requests are counted from stats.`,
    )
  })

  test("a link whose end is not mounted is a trouble", () => {
    symlinkSync(join(root, "docker/0-json.log"), join(folder, "0.log"))
    expect(logsOf(0)).toEqual({
      files: [],
      trouble: `Logs of pods, such as ${folder}/0.log, cannot be read: it does not exist. Let the agent read files of root in it; where they are links, mount the folder that they lead to as well.`,
    })
  })

  test.for(["..", "a/b", "../../etc", "", "."])("a name that leads elsewhere has none: %j", (name) => {
    expect(logsOf(0, pod(), name)).toEqual({ files: [], trouble: undefined })
    expect(logsOf(0, { ...pod(), name })).toEqual({ files: [], trouble: undefined })
  })
})

/** A container that writes as its runtime does, and the kubelet that rotates its log. */
class Container {
  readonly written: string[] = []
  #at = 0
  #restarts = 0
  #rotation = 0

  get live(): string {
    return join(folder, `${this.#restarts}.log`)
  }

  /** Lines, each third of them cut in two by the runtime. */
  write(count: number): void {
    for (let made = 0; made < count; made++) {
      const line = `line ${this.#at++} ${"x".repeat(this.#at % 40)}`
      this.written.push(line)
      const time = `2026-11-21T10:00:00.${String(this.#at).padStart(9, "0")}Z stdout`
      const cut = this.#at % 3 === 0 ? 5 : 0
      if (cut > 0) appendFileSync(this.live, `${time} P ${line.slice(0, cut)}\n`)
      appendFileSync(this.live, `${time} F ${line.slice(cut)}\n`)
    }
  }

  /** The first part of a line; its end comes with `finish`. */
  begin(): void {
    appendFileSync(this.live, "2026-11-21T10:00:00.5Z stdout P half \n")
  }

  finish(): void {
    this.written.push("half and whole")
    appendFileSync(this.live, "2026-11-21T10:00:00.6Z stdout F and whole\n")
  }

  /** As `rotateLog` of the kubelet's container log manager: compress what was rotated before, rename, reopen. */
  async rotate(between: () => Promise<unknown> = async () => undefined): Promise<void> {
    const stamp = `20261121-1011${String(this.#rotation++).padStart(2, "0")}`
    for (const older of this.#rotated) {
      writeFileSync(`${older}.tmp`, gzipSync(readFileSync(older)))
      await between()
      renameSync(`${older}.tmp`, `${older}.gz`)
      await between()
      unlinkSync(older)
    }
    this.#rotated = [`${this.live}.${stamp}`]
    renameSync(this.live, `${this.live}.${stamp}`)
    await between()
    writeFileSync(this.live, "")
  }

  #rotated: string[] = []

  restart(): void {
    this.#restarts += 1
    this.#rotated = []
    writeFileSync(this.live, "")
  }
}

/** The agent's reader: follows the files that discovery names, keeps its state over restarts. */
class Reader {
  readonly lines: string[] = []
  #saved: Uint8Array | undefined
  #source: TailSource | undefined
  #framers = new Map<number, LineFramer>()

  start(): TailSource {
    this.#framers = new Map()
    const framer = (id: number): LineFramer => {
      const known = this.#framers.get(id) ?? new LineFramer()
      this.#framers.set(id, known)
      return known
    }
    const consumer: TailConsumer = {
      lines: (id, bytes, start, end) =>
        framer(id).frame(bytes, start, end, (line, from, to) =>
          this.lines.push(line.toString("utf8", from, to)),
        ),
      held: (id) => framer(id).save(),
      restore: (id, held) => framer(id).restore(held),
    }
    this.#source = new TailSource(
      { clock: systemClock, consumer, restored: this.#saved },
      { start: "beginning" },
    )
    return this.#source
  }

  /** What the agent does with each look of discovery. */
  async look(restarts: number): Promise<void> {
    const source = this.#source ?? this.start()
    for (const file of containerLogs(root, pod(), "envoy", restarts).files) source.follow(file)
    while (await source.poll());
    this.#saved = source.save() ?? this.#saved
  }

  get counters() {
    return this.#source?.counters
  }

  /** Killed: nothing is read at the end. */
  async kill(): Promise<void> {
    const before = [...this.lines]
    const saved = this.#saved
    await this.#source?.stop()
    this.lines.splice(0, this.lines.length, ...before)
    this.#saved = saved
    this.#source = undefined
  }
}

describe("the kubelet's rotation", () => {
  test("loses nothing and repeats nothing, while the reader is stopped and started at every step", async () => {
    const container = new Container()
    const reader = new Reader()
    reader.start()
    await reader.look(0)
    for (let round = 0; round < 4; round++) {
      container.write(20)
      await reader.look(0)
      container.write(7)
      // Not yet read when it is rotated, and the agent is away meanwhile.
      if (round % 2 === 0) await reader.kill()
      await container.rotate()
      container.write(9)
      await reader.look(0)
      await reader.kill()
      container.begin()
      await reader.look(0)
      await reader.kill()
      container.finish()
      await reader.look(0)
    }
    expect(reader.lines).toEqual(container.written)
    expect(reader.counters).toMatchObject({ lost_rotations: 0, errors: 0 })
    await reader.kill()
  })

  test("is read over at every instant of it: beside .tmp and .gz, with the live file missing", async () => {
    const container = new Container()
    const reader = new Reader()
    const source = reader.start()
    container.write(10)
    await reader.look(0)
    for (let round = 0; round < 3; round++) {
      container.write(5)
      await container.rotate(() => source.poll())
      container.write(5)
      await reader.look(0)
    }
    expect(reader.lines).toEqual(container.written)
    expect(existsSync(join(folder, "0.log.20261121-101101.gz"))).toBe(true)
    await reader.kill()
  })

  test.each([2, 3, 5])(
    "%d times while the reader was away: what was compressed is read too, in order",
    async (times) => {
      const container = new Container()
      const reader = new Reader()
      reader.start()
      await reader.look(0)
      container.write(5)
      await reader.look(0)
      await reader.kill()
      for (let round = 0; round < times; round++) {
        container.write(5)
        await container.rotate()
      }
      container.write(5)
      await reader.look(0)
      expect(reader.lines).toEqual(container.written)
      expect(reader.counters).toMatchObject({ lost_rotations: 0, errors: 0 })
      await reader.kill()
      await reader.look(0)
      expect(reader.lines).toEqual(container.written)
      await reader.kill()
    },
  )

  test("of what was read to its end, twice while the reader was away, is no loss, and repeats nothing", async () => {
    const container = new Container()
    const reader = new Reader()
    reader.start()
    await reader.look(0)
    container.write(5)
    await reader.look(0)
    await container.rotate()
    container.write(5)
    await reader.look(0)
    await reader.kill()
    await container.rotate()
    await container.rotate()
    container.write(5)
    await reader.look(0)
    expect(reader.lines).toEqual(container.written)
    expect(reader.counters).toMatchObject({ lost_rotations: 0, errors: 0 })
    await reader.kill()
  })

  test("of a pod that came while the reader was away is read from its first line", async () => {
    const reader = new Reader()
    reader.start()
    rmSync(folder, { recursive: true })
    await reader.look(0)
    await reader.kill()
    // Births have the grain of the kernel's clock tick.
    await systemClock.sleep(20)
    mkdirSync(folder)
    const container = new Container()
    for (let round = 0; round < 3; round++) {
      container.write(7)
      await container.rotate()
    }
    container.write(3)
    await reader.look(0)
    expect(reader.lines).toEqual(container.written)
    await reader.kill()
  })

  test("what is no gzip, and what would fill the memory, is lost and said so", async () => {
    const container = new Container()
    const reader = new Reader()
    reader.start()
    container.write(5)
    await reader.look(0)
    await reader.kill()
    await container.rotate()
    await container.rotate()
    writeFileSync(join(folder, "0.log.20261121-101100.gz"), gzipSync(Buffer.alloc(70 * 1024 ** 2)))
    writeFileSync(join(folder, "0.log.20261121-101099.gz"), "no gzip")
    container.write(5)
    await reader.look(0)
    expect(reader.lines).toEqual(container.written)
    expect(reader.counters?.lost_rotations).toBe(1)
    await reader.kill()
  })
})

test("the lines of a restarted container are read from the start of its new file, those before it to their end", async () => {
  const container = new Container()
  const reader = new Reader()
  reader.start()
  await reader.look(0)
  container.write(5)
  await reader.look(0)
  container.write(5)
  container.restart()
  container.write(5)
  await reader.look(1)
  await reader.kill()
  container.write(2)
  container.restart()
  container.write(2)
  await reader.look(2)
  expect(reader.lines.toSorted()).toEqual(container.written.toSorted())
  expect(dirname(container.live)).toBe(folder)
  await reader.kill()
})
