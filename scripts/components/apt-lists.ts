import { existsSync } from "node:fs"
import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { MeshscopeError } from "#mesh/errors.ts"
import { command } from "./command.ts"
import type { Progress } from "./progress.ts"

/** Options for apt-get that say which lists of packages it looks at. */
export type AptLists = readonly string[]

/** Those of this system. */
export const systemLists: AptLists = []

const DEBIAN_KEYS = "/usr/share/keyrings/debian-archive-keyring.gpg"

/** Fresh lists of the releases that this system uses, kept below `folder`: no root needed, the system's stay as they are. */
export async function ownLists(folder: string, progress: Progress): Promise<AptLists> {
  const lists = await privateState(join(folder, "apt-own"))
  await update(lists, folder, progress)
  return lists
}

/** Lists of Debian testing, from the same server and with the same keys as this system's own. */
export async function testingLists(folder: string, progress: Progress): Promise<AptLists> {
  const address =
    (await debianAddress(systemLists)) ?? (await debianAddress(await ownLists(folder, progress)))
  if (address === undefined) {
    throw new MeshscopeError(
      "COMPONENT_MISSING",
      "This system's apt names no Debian server, so testing is not to be had.",
    )
  }
  const state = join(folder, "apt-testing")
  const lists = [
    ...(await privateState(state)),
    "-o",
    `Dir::Etc::SourceList=${join(state, "sources.list")}`,
    "-o",
    `Dir::Etc::SourceParts=${join(state, "none")}`,
  ]
  const keys = existsSync(DEBIAN_KEYS) ? `[signed-by=${DEBIAN_KEYS}] ` : ""
  await writeFile(join(state, "sources.list"), `deb ${keys}${address} testing main\n`)
  await update(lists, folder, progress)
  return lists
}

/** Whether apt-get knows where to download it. It is only asked, nothing is fetched. */
export async function canDownload(lists: AptLists, wanted: string): Promise<boolean> {
  try {
    await command("apt-get", [...lists, "download", "--print-uris", wanted])
    return true
  } catch (error) {
    // with a cause: there is no apt-get at all
    if (error instanceof MeshscopeError && error.cause === undefined) return false
    throw error
  }
}

async function privateState(state: string): Promise<AptLists> {
  await mkdir(join(state, "lists/partial"), { recursive: true })
  await mkdir(join(state, "cache/archives/partial"), { recursive: true })
  // apt drops to a user of its own, who cannot write below a home folder
  return [
    "-o",
    `Dir::State::Lists=${join(state, "lists")}`,
    "-o",
    `Dir::Cache=${join(state, "cache")}`,
    "-o",
    "APT::Sandbox::User=root",
  ]
}

async function update(lists: AptLists, folder: string, progress: Progress): Promise<void> {
  await progress.step("reading lists of Debian packages", { folder }, () =>
    command("apt-get", [...lists, "update"]),
  )
}

/** The address of the Debian server that these lists came from. */
async function debianAddress(lists: AptLists): Promise<string | undefined> {
  const format = "$(LABEL)|$(COMPONENT)|$(REPO_URI)"
  const targets = await command("apt-get", [...lists, "indextargets", "--format", format])
  const line = targets.split("\n").find((target) => target.startsWith("Debian|main|"))
  return line?.split("|")[2]
}
