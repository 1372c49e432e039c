import { createHash } from "node:crypto"
import { existsSync } from "node:fs"
import { cp, mkdir, mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { dirname, join } from "node:path"
import { command } from "../../../scripts/components/command.ts"
import { component } from "../../../scripts/components/component.ts"
import { exclusively } from "../../../scripts/components/lock.ts"
import { cacheFolder } from "../../../scripts/components/provision.ts"

const ROOT = join(import.meta.dirname, "../../..")
const DOCKERFILE = "deploy/image/Dockerfile"

/** The image of deploy/image/Dockerfile, and where `docker load` and `ctr images import` take it from. */
export interface OurImage {
  readonly name: string
  readonly archive: string
}

const NAME = "localhost/meshscope:0.0.0"
/** Only glibc and what its packages need, as a base that somebody chose. */
export const RUN_BASE = "localhost/meshscope-base:bookworm"
/** The same with npm and a Node for it. */
const BUILD_BASE = "localhost/meshscope-build:bookworm"

/**
 * Builds the image with buildah, as root and without any registry of images: its bases are made of Debian packages, once.
 * What npm fetches comes from this user's own registry and cache. An image of the same source is not built twice.
 */
export async function ourImage(): Promise<OurImage> {
  const folder = join(cacheFolder(process.env), "images")
  await mkdir(folder, { recursive: true })
  const image = { name: NAME, archive: join(folder, "meshscope.tar") }
  const stamp = join(folder, "meshscope.sha256")
  await exclusively(
    join(folder, "lock"),
    () => process.stderr.write("image: another process builds it, waiting\n"),
    async () => {
      const source = await sourceHash()
      const isBuilt = existsSync(image.archive) && (await readFile(stamp, "utf8").catch(() => "")) === source
      if (isBuilt) return
      const buildah = await makeBuildah(folder)
      await bases(buildah)
      process.stderr.write(`image: building ${NAME}\n`)
      await build(buildah)
      await rm(image.archive, { force: true })
      await buildah("push", [NAME, `docker-archive:${image.archive}:${NAME}`])
      await writeFile(stamp, source)
      await buildah("rmi", ["--prune"], false)
    },
  )
  return image
}

/** Runs one of its commands. Where its rules of trust are asked for, everything here is taken: it was made here. */
export type Buildah = (verb: string, words: readonly string[], trusts?: boolean) => Promise<string>

export async function makeBuildah(folder: string): Promise<Buildah> {
  const program = await component("buildah")
  const policy = join(folder, "policy.json")
  await writeFile(policy, JSON.stringify({ default: [{ type: "insecureAcceptAnything" }] }))
  const store = [
    "--root",
    join(folder, "store"),
    "--runroot",
    join(folder, "run"),
    "--storage-driver",
    "overlay",
  ]
  return (verb, words, trusts = true) =>
    command(program, [...store, verb, ...(trusts ? ["--signature-policy", policy] : []), ...words])
}

export async function bases(buildah: Buildah): Promise<void> {
  const known = await buildah("images", ["--format", "{{.Name}}:{{.Tag}}"], false)
  if (known.includes(BUILD_BASE)) return
  const work = await mkdtemp(join(tmpdir(), "meshscope-bases-"))
  try {
    process.stderr.write("image: making its bases of Debian packages\n")
    await command(await component("mmdebstrap"), ["--variant=minbase", "bookworm", join(work, "root.tar")])
    await writeFile(join(work, "Dockerfile"), "FROM scratch\nADD root.tar /\n")
    await buildah("build", ["--isolation", "chroot", "-q", "-t", RUN_BASE, work])
    const tools = join(work, "tools")
    await mkdir(tools)
    await cp(process.execPath, join(tools, "node"))
    await cp(npmFolder(), join(tools, "npm"), { recursive: true })
    await writeFile(
      join(tools, "Dockerfile"),
      `FROM ${RUN_BASE}\nCOPY node /usr/bin/node\nCOPY npm /usr/lib/node_modules/npm\n` +
        "RUN ln -s ../lib/node_modules/npm/bin/npm-cli.js /usr/bin/npm && npm --version\n",
    )
    await buildah("build", ["--isolation", "chroot", "--pull-never", "-q", "-t", BUILD_BASE, tools])
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The npm that runs these tests. */
function npmFolder(): string {
  const program = process.env["npm_execpath"]
  if (program === undefined) throw new Error("Run this by npm or npx: the image is built with the same npm.")
  return dirname(dirname(program))
}

async function build(buildah: Buildah): Promise<void> {
  const cache = (await command("npm", ["config", "get", "cache"])).trim()
  await mkdir(cache, { recursive: true })
  const settings = join(process.env["HOME"] ?? "/root", ".npmrc")
  const volumes = [`${cache}:/root/.npm`, ...(existsSync(settings) ? [`${settings}:/root/.npmrc:ro`] : [])]
  const kind = ["--format", "docker", "--isolation", "chroot", "--pull-never", "--timestamp", "0"]
  const chosen = ["--build-arg", `BUILD_BASE=${BUILD_BASE}`, "--build-arg", `RUN_BASE=${RUN_BASE}`]
  const mounted = volumes.flatMap((volume) => ["--volume", volume])
  const what = ["--file", join(ROOT, DOCKERFILE), "--tag", NAME, ROOT]
  await buildah("build", [...kind, ...chosen, ...mounted, ...what])
}

/** Of everything that the build may see: what .dockerignore lets through, and the Dockerfile. */
async function sourceHash(): Promise<string> {
  const hash = createHash("sha256")
  const ignore = await readFile(join(ROOT, ".dockerignore"), "utf8")
  const taken = [...ignore.matchAll(/^!(.+)$/gm)].map(([, name = ""]) => name)
  for (const file of (await Promise.all([DOCKERFILE, ...taken].map(filesOf))).flat().toSorted())
    hash.update(`${file}\0`).update(await readFile(join(ROOT, file)))
  return hash.digest("hex")
}

async function filesOf(name: string): Promise<string[]> {
  try {
    const entries = await readdir(join(ROOT, name), { recursive: true, withFileTypes: true })
    return entries
      .filter((entry) => entry.isFile())
      .map((entry) => join(entry.parentPath, entry.name).slice(ROOT.length + 1))
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOTDIR") return [name]
    throw error
  }
}
