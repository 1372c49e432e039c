import { execFile } from "node:child_process"
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { promisify } from "node:util"
import { afterEach, beforeEach, describe, expect, it } from "vitest"
import { obtainDebian } from "../../scripts/components/debian.ts"
import { lineProgress } from "../../scripts/components/progress.ts"
import type { DebianSource } from "../../scripts/components/source.ts"

/**
 * apt-get as a script, for what Debian's server only does on a bad day. SERVED: the version that it has. LISTS: `good`,
 * `none` or `stale` (names the version, and the file is gone), for the system's own lists; lists of ours are good.
 */
const APT_GET = `#!/bin/sh
echo "$*" >> "$ASKED"
case "$*" in *Dir::State::Lists*) own=yes ;; *) own=no ;; esac
for last in "$@"; do :; done
name=\${last%%=*} version=\${last#*=}
[ "$version" = "$name" ] && version=$SERVED
case "$*" in
  *indextargets*) [ "$own$LISTS" = nonone ] || echo "Debian|main|file:///debian/" ; exit 0 ;;
  *update*) exit 0 ;;
  *--print-uris*) [ "$own$LISTS" != nonone ] && [ "$version" = "$SERVED" ] ;;
  *download*)
    if [ "$own$LISTS" = nostale ]; then echo "404 Not Found" >&2; exit 100; fi
    printf 'prometheus %s' "$version" > "\${name}_\${version}_amd64.deb" ;;
esac
`
const DPKG = `#!/bin/sh
mkdir -p "$3/usr/bin" && cp "$2" "$3/usr/bin/prometheus"
`
/** sha256 of "prometheus 1.0". */
const PINNED = { sha256: "404e57f235db2ceabc032ff34f4147b5f9a7f003d7bb1b1f5ef7c97b406866d9", bytes: 14 }

const source = (suite: DebianSource["suite"], sha256: string = PINNED.sha256): DebianSource => ({
  kind: "debian",
  suite,
  packages: [
    {
      name: "prometheus",
      version: "1.0",
      files: { x64: { ...PINNED, sha256 }, arm64: { ...PINNED, sha256 } },
    },
  ],
})

let folder: string
let path: string | undefined
let lines: string[]

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "meshscope-debian-"))
  for (const [name, text] of Object.entries({ "apt-get": APT_GET, dpkg: DPKG })) {
    await writeFile(join(folder, name), text)
    await chmod(join(folder, name), 0o755)
  }
  path = process.env["PATH"]
  process.env["PATH"] = `${folder}:${path}`
  process.env["ASKED"] = join(folder, "asked")
  lines = []
})
afterEach(async () => {
  process.env["PATH"] = path
  for (const name of ["ASKED", "SERVED", "LISTS"]) delete process.env[name]
  await rm(folder, { recursive: true })
})

/** What came out: the unpacked file, and what apt-get was asked. */
async function obtained(from: DebianSource, served: string, lists: "good" | "none" | "stale") {
  process.env["SERVED"] = served
  process.env["LISTS"] = lists
  const into = join(folder, "into")
  await mkdir(into)
  await obtainDebian(
    from,
    into,
    lineProgress("prometheus 1.0", (line) => lines.push(line)),
  )
  expect(await readdir(into)).toEqual(["usr"])
  const asked = (await readFile(join(folder, "asked"), "utf8")).trim().split("\n")
  return { file: await readFile(join(into, "usr/bin/prometheus"), "utf8"), asked }
}

describe("a Debian package", () => {
  it("is the pinned one where it is served, and the system's lists are left alone", async () => {
    const { file, asked } = await obtained(source("own"), "1.0", "good")
    expect(file).toBe("prometheus 1.0")
    expect(asked.filter((line) => line.includes("update"))).toEqual([])
  })
  it("is the newest where the pinned one is gone, and that is said", async () => {
    const { file } = await obtained(source("own"), "1.1", "good")
    expect(file).toBe("prometheus 1.1")
    expect(lines).toContainEqual(
      expect.stringMatching(/prometheus 1\.0 is not served any more: the newest is taken/),
    )
  })
  it.each(["none", "stale"] as const)(
    "comes by lists of our own where the system's are %s",
    async (lists) => {
      const { file, asked } = await obtained(source("own"), "1.0", lists)
      expect(file).toBe("prometheus 1.0")
      expect(asked.filter((line) => /Dir::State::Lists=.* update$/.test(line))).toHaveLength(1)
    },
  )
  it.each(["good", "none"] as const)(
    "comes from testing with a list of its own (the system's: %s)",
    async (lists) => {
      const { file, asked } = await obtained(source("testing"), "1.0", lists)
      expect(file).toBe("prometheus 1.0")
      expect(asked.at(-1)).toMatch(/Dir::Etc::SourceList=.* download prometheus=1\.0$/)
    },
  )
  it("that says it is the pinned one and is not, is refused", async () => {
    await expect(obtained(source("own", "0".repeat(64)), "1.0", "good")).rejects.toThrow(/expected 0{64}/)
  })
  it("that was only unpacked is run by a launcher, which names libraries and helpers beside it", async () => {
    const launchers = { run: "usr/bin/program" }
    process.env["SERVED"] = "1.0"
    process.env["LISTS"] = "good"
    const into = join(folder, "a folder")
    await mkdir(into)
    await obtainDebian(
      { ...source("own"), launchers },
      into,
      lineProgress("prometheus 1.0", () => {}),
    )
    await mkdir(join(into, "usr/lib/any-linux-gnu"), { recursive: true })
    const program = '#!/bin/sh\necho "$1" "$PATH" "$LD_LIBRARY_PATH"\n'
    await writeFile(join(into, "usr/bin/program"), program, { mode: 0o755 })
    await symlink(join(into, "run"), join(folder, "link"))
    const env = { PATH: "/usr/bin:/bin" }
    const { stdout } = await promisify(execFile)(join(folder, "link"), ["an argument"], { env })
    const places = `${into}/usr/bin:${into}/usr/sbin:/usr/bin:/bin`
    expect(stdout).toBe(`an argument ${places} ${into}/usr/lib/any-linux-gnu\n`)
  })
})
