import { existsSync } from "node:fs"
import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { COMPONENTS } from "../../scripts/components/catalogue.ts"
import { GoCaches } from "../../scripts/components/go-caches.ts"
import { publishedOnly } from "../../scripts/components/go-module.ts"
import { lineProgress } from "../../scripts/components/progress.ts"
import type { Component } from "../../scripts/components/source.ts"

describe("a go.mod", () => {
  it.each<[string, string | undefined, string]>([
    [
      "replace (\n\tk8s.io/api => ./staging/src/k8s.io/api\n)\n",
      "v0.36.3",
      "replace (\n\tk8s.io/api => k8s.io/api v0.36.3\n)\n",
    ],
    ["replace a/b => ../b\nrequire c v1.0.0\n", undefined, "require c v1.0.0\n"],
    ["replace a/b => ./staging/src/a/b\n", undefined, ""],
    ["replace a => ./tools\nreplace b => b.org/fork v1.2.3\n", "v0.36.3", "replace b => b.org/fork v1.2.3\n"],
  ])("%j with staging %s names published modules only", (text, staging, expected) => {
    expect(publishedOnly(text, staging)).toBe(expected)
  })
})

describe("what Go builds", () => {
  it("is pinned by a version and a hash", () => {
    const all: Component[] = Object.values(COMPONENTS)
    const text = JSON.stringify(all.map(({ package: { source } }) => source))
    const pins = text.match(/"version":"v[^"]*","sum":"[^"]*"/g) ?? []
    expect(pins.length).toBeGreaterThan(5)
    for (const pin of pins)
      expect(pin).toMatch(/"version":"v\d+\.\d+\.\d+[-0-9a-f]*","sum":"h1:[\w+/]{43}="$/)
  })
})

const progress = lineProgress("planted 1.0", () => {})
const filled = async (env: NodeJS.ProcessEnv): Promise<NodeJS.ProcessEnv> => {
  for (const cache of [env["GOMODCACHE"], env["GOCACHE"]]) {
    await mkdir(cache ?? "", { recursive: true })
    await writeFile(join(cache ?? "", "large"), "")
  }
  return env
}

describe("Go's caches", () => {
  let folder: string
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), "meshscope-go-"))
  })
  afterEach(() => rm(folder, { recursive: true }))

  it("are ours, shared by all builds of a run, and gone at its end", async () => {
    const caches = new GoCaches(folder, { PATH: "/bin", GOFLAGS: "-p=1" })
    const first = await caches.use(progress, filled)
    expect(await caches.use(progress, (env) => Promise.resolve(env))).toEqual(first)
    expect(first).toMatchObject({ PATH: "/bin", GOWORK: "off", GOFLAGS: "-p=1 -buildvcs=false -modcacherw" })
    expect(existsSync(join(folder, "go"))).toBe(true)
    await caches.close()
    expect(existsSync(join(folder, "go"))).toBe(false)
  })
  it("that the environment names are used and kept", async () => {
    const mine = { GOMODCACHE: join(folder, "mine/mod"), GOCACHE: join(folder, "mine/build") }
    const caches = new GoCaches(folder, mine)
    expect(await caches.use(progress, filled)).toMatchObject(mine)
    await caches.close()
    expect(existsSync(join(folder, "mine/mod/large"))).toBe(true)
    expect(existsSync(join(folder, "mine/build/large"))).toBe(true)
  })
  it("of another run are left alone by one that built nothing", async () => {
    await new GoCaches(folder, {}).use(progress, filled)
    await new GoCaches(folder, {}).close()
    expect(existsSync(join(folder, "go"))).toBe(true)
  })
  it("serve one build at a time", async () => {
    let running = 0
    const build = async (): Promise<number> => {
      const here = ++running
      await new Promise((done) => setTimeout(done, 30))
      running--
      return here
    }
    const two = [new GoCaches(folder, {}), new GoCaches(folder, {})]
    expect(await Promise.all(two.map((caches) => caches.use(progress, build)))).toEqual([1, 1])
  })
})
