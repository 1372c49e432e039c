import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { create } from "@bufbuild/protobuf"
import { FileDescriptorProtoSchema } from "@bufbuild/protobuf/wkt"
import * as fc from "fast-check"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { COMPONENTS, isComponentName, overrideVariable } from "../../scripts/components/catalogue.ts"
import { verify } from "../../scripts/components/checksum.ts"
import { command } from "../../scripts/components/command.ts"
import { overridden } from "../../scripts/components/component.ts"
import { importedFirst } from "../../scripts/components/descriptors.ts"
import { exclusively } from "../../scripts/components/lock.ts"
import { lineProgress } from "../../scripts/components/progress.ts"
import { cacheFolder, type Obtain, provision } from "../../scripts/components/provision.ts"
import type { Component, Package } from "../../scripts/components/source.ts"

let folder: string
let lines: string[]
const write = (line: string): number => lines.push(line)

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "meshscope-components-"))
  lines = []
})
afterEach(() => rm(folder, { recursive: true }))

describe("the list of components", () => {
  const all: [string, Component][] = Object.entries(COMPONENTS)

  it("pins every file by a sha256 and a size", () => {
    const pins = JSON.stringify(COMPONENTS).match(/"sha256":"[^"]*"/g) ?? []
    expect(pins.length).toBeGreaterThan(10)
    expect(pins.filter((pin) => !/^"sha256":"[0-9a-f]{64}"$/.test(pin))).toEqual([])
  })
  it("pins every Python package by version and sha256", async () => {
    const scripts = resolve(import.meta.dirname, "../../scripts/components")
    for (const { package: from } of all.map(([, component]) => component)) {
      if (from.source.kind !== "python") continue
      const text = (await readFile(join(scripts, from.source.requirements), "utf8")).replaceAll(
        /^#.*\n/gm,
        "",
      )
      const packages = text.replaceAll(" \\\n", "").trim().split("\n")
      expect(packages).toContainEqual(expect.stringMatching(`^${from.name}==${from.version} `))
      for (const one of packages)
        expect(one).toMatch(/^[a-z0-9-]+==[0-9a-z.]+( +--hash=sha256:[0-9a-f]{64})+$/)
    }
  })
  it("gives each component a variable of its own", () => {
    expect(new Set(all.map(([name]) => overrideVariable(name))).size).toBe(all.length)
    expect(overrideVariable("prometheus-3")).toBe("PROMETHEUS_3")
  })
  it("gives each package a folder of its own, and says what to install instead", () => {
    const packages = new Set(all.map(([, { package: from }]) => from))
    expect(new Set([...packages].map(({ name, version }) => `${name}-${version}`)).size).toBe(packages.size)
    for (const { otherwise } of packages) expect(otherwise).toMatch(/^[A-Z].*\.$/s)
  })
  it("knows its own names only", () => {
    expect(isComponentName("envoy")).toBe(true)
    expect(isComponentName("toString")).toBe(false)
  })
})

describe("an environment variable", () => {
  it("names a file to use instead", async () => {
    await writeFile(join(folder, "my-envoy"), "")
    expect(overridden("envoy", { ENVOY: join(folder, "my-envoy") })).toBe(join(folder, "my-envoy"))
    expect(overridden("envoy", { ENVOY: "" })).toBeUndefined()
    expect(overridden("envoy", {})).toBeUndefined()
  })
  it("that names nothing is an error that says so", () => {
    expect(() => overridden("prometheus-3", { PROMETHEUS_3: "/nowhere/prometheus" })).toThrow(
      "PROMETHEUS_3 names /nowhere/prometheus, and there is no such file.",
    )
  })
  it("moves the cache", () => {
    expect(cacheFolder({ XDG_CACHE_HOME: "/var/cache" })).toBe("/var/cache/meshscope")
    expect(cacheFolder({ XDG_CACHE_HOME: "" })).toMatch(/\/\.cache\/meshscope$/)
  })
})

const wanted: Package = {
  ...COMPONENTS.envoy.package,
  name: "planted",
  version: "1.0",
  otherwise: "Go without.",
}
const whole = (): string => join(folder, "planted-1.0")
const fill: Obtain = (into) => writeFile(join(into, "binary"), "whole")
const asked = (obtain: Obtain): Promise<string> => provision(wanted, { cache: folder, obtain, write })
const failing: Obtain = async (into) => {
  await writeFile(join(into, "half"), "")
  throw new Error("the registry is away")
}

describe("provisioning", () => {
  it("fills the folder once, and shows it only when it is whole", async () => {
    let times = 0
    const obtain: Obtain = async (into, progress) => {
      times++
      await fill(into, progress)
      expect(existsSync(whole())).toBe(false)
    }
    expect(await asked(obtain)).toBe(whole())
    expect(await asked(obtain)).toBe(whole())
    expect(times).toBe(1)
    expect(await readdir(whole())).toEqual(["binary"])
  })
  it("lets a second caller wait for the first", async () => {
    let running = 0
    const obtain: Obtain = async (into, progress) => {
      running++
      await new Promise((done) => setTimeout(done, 50))
      await fill(into, progress)
    }
    expect(await Promise.all([asked(obtain), asked(obtain)])).toEqual([whole(), whole()])
    expect(running).toBe(1)
    expect(lines).toContain("planted 1.0: another process fetches it, waiting")
  })
  it("leaves nothing of a failure, and says why and what to do", async () => {
    await expect(asked(failing)).rejects.toMatchObject({
      code: "COMPONENT_MISSING",
      message: "planted 1.0 could not be fetched: the registry is away\nGo without.",
    })
    expect(await asked(fill)).toBe(whole())
  })
  it("throws away what a process left that died on the way", async () => {
    await mkdir(`${whole()}.partial`)
    await writeFile(join(`${whole()}.partial`, "half"), "")
    await asked(fill)
    expect(await readdir(whole())).toEqual(["binary"])
  })
  it("tells its steps: what, how large, how long", async () => {
    const progress = lineProgress("planted 1.0", write)
    progress.note("older than asked for")
    await progress.step("downloading", { folder, expectedBytes: 1_500_000 }, async () => {})
    expect(lines).toEqual([
      "planted 1.0: older than asked for",
      "planted 1.0: downloading, 1.5 MB",
      "planted 1.0: downloading, done in 0 s",
    ])
  })
})

describe("the lock", () => {
  it("is free again when the process that held it was killed", async () => {
    const file = join(folder, "a.lock")
    const module = resolve(import.meta.dirname, "../../scripts/components/lock.ts")
    const holding = `import { exclusively } from ${JSON.stringify(module)}
      await exclusively(${JSON.stringify(file)}, () => {}, async () => { console.log("held"); await new Promise((r) => setTimeout(r, 60_000)) })`
    const holder = spawn(process.execPath, ["--input-type=module-typescript", "-e", holding])
    await once(holder.stdout, "data")
    let waited = false
    const mine = exclusively(
      file,
      () => (waited = true),
      () => Promise.resolve(holder.signalCode),
    )
    await new Promise((done) => setTimeout(done, 20))
    expect(waited).toBe(true)
    holder.kill("SIGKILL")
    expect(await mine).toBe("SIGKILL")
  })
})

describe("a file that is not the pinned one", () => {
  it("is refused, with both checksums", async () => {
    const file = join(folder, "wheel")
    await writeFile(file, "abc")
    const abc = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"
    await verify(file, abc)
    await expect(verify(file, "0".repeat(64))).rejects.toThrow(new RegExp(`is ${abc}, expected 0{64}`))
  })
})

describe("a tool", () => {
  it.each([
    ["go", /`go` cannot be run\. Needed: Go 1\.26 or newer/],
    ["python3", /Needed: python3 and python3-pip \(apt-get install/],
    ["apt-get", /Needed: a Debian system/],
  ])("that is not there (%s) is named with what to install", async (tool, sentence) => {
    await expect(command(tool, [], { env: { PATH: folder } })).rejects.toThrow(sentence)
  })
  it("that fails is quoted", async () => {
    await expect(command("sh", ["-c", "echo away >&2; exit 3"])).rejects.toThrow(/ended with 3: away$/)
  })
  it("hands back what it wrote, and its complaints by line", async () => {
    const complaints: string[] = []
    const onErrorLine = (line: string): number => complaints.push(line)
    expect(await command("sh", ["-c", "echo out; echo a >&2; echo b >&2"], { onErrorLine })).toBe("out\n")
    expect(complaints).toEqual(["a", "b"])
  })
})

describe("descriptors", () => {
  it("stand after the files that they import, each once", () => {
    const names = fc.uniqueArray(fc.integer({ min: 0, max: 30 }), { minLength: 1 })
    // a file imports some with a smaller number, so there are no circles
    const files = names.chain((numbers) =>
      fc.tuple(
        ...numbers.map((n) =>
          fc.record({ n: fc.constant(n), imports: fc.subarray(numbers.filter((m) => m < n)) }),
        ),
      ),
    )
    fc.assert(
      fc.property(files, (drawn) => {
        const sorted = importedFirst(
          drawn.map(({ n, imports }) =>
            create(FileDescriptorProtoSchema, { name: `${n}`, dependency: imports.map(String) }),
          ),
        )
        expect(sorted.map(({ name }) => name).toSorted()).toEqual(drawn.map(({ n }) => `${n}`).toSorted())
        const seen = new Set<string>()
        for (const file of sorted) {
          expect(file.dependency.filter((name) => !seen.has(name))).toEqual([])
          seen.add(file.name)
        }
      }),
    )
  })
})

describe("the collector's manifest", () => {
  it("names one version in every line", async () => {
    const manifest = resolve(
      import.meta.dirname,
      "../../scripts/components",
      COMPONENTS.otelcol.package.source.manifest,
    )
    const modules = (await readFile(manifest, "utf8")).match(/gomod: .*/g) ?? []
    expect(modules.length).toBeGreaterThan(5)
    for (const line of modules) expect(line).toMatch(/ v0\.155\.0$/)
  })
})
