import { existsSync } from "node:fs"
import { cp, mkdir, mkdtemp, rename, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { component } from "../../../scripts/components/component.ts"
import { exclusively } from "../../../scripts/components/lock.ts"
import { cacheFolder } from "../../../scripts/components/provision.ts"
import { bases, makeBuildah, type OurImage, RUN_BASE } from "../deploy/our-image.ts"

/** Grows when what is written below changes. */
const EDITION = 1

/**
 * What the mesh's pods run: Envoy and Node on the base of our own image. The demo's sources are no part of it; pods mount
 * them, so they are always this checkout's. Without a command it waits, which is all that a sandbox has to do.
 */
export async function labImage(): Promise<OurImage> {
  const folder = join(cacheFolder(process.env), "images")
  await mkdir(folder, { recursive: true })
  const envoy = await component("envoy")
  const [, version = "own"] = /\/(envoy-[\d.]+)\//.exec(envoy) ?? []
  const tag = `${EDITION}-${version}-${process.version}`
  const image = { name: `localhost/meshscope-lab:${tag}`, archive: join(folder, `lab-${tag}.tar`) }
  await exclusively(
    join(folder, "lock"),
    () => process.stderr.write("image: another process builds one, waiting\n"),
    async () => {
      if (existsSync(image.archive)) return
      process.stderr.write(`image: building ${image.name}\n`)
      await build(folder, envoy, image)
    },
  )
  return image
}

async function build(folder: string, envoy: string, { name, archive }: OurImage): Promise<void> {
  const buildah = await makeBuildah(folder)
  await bases(buildah)
  const work = await mkdtemp(join(tmpdir(), "meshscope-lab-"))
  try {
    await cp(envoy, join(work, "envoy"))
    await cp(process.execPath, join(work, "node"))
    const files = `FROM ${RUN_BASE}\nCOPY envoy node /usr/local/bin/\nCMD ["sleep", "infinity"]\n`
    await writeFile(join(work, "Dockerfile"), files)
    await buildah("build", ["--isolation", "chroot", "--pull-never", "-q", "-t", name, work])
    await buildah("push", [name, `docker-archive:${archive}.new:${name}`])
    await rename(`${archive}.new`, archive)
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}
