import { accessSync, constants, lstatSync, readdirSync } from "node:fs"
import { join } from "node:path"
import { MeshscopeError } from "#mesh/errors.ts"
import { fileReason } from "#mesh/system-reason.ts"
import type { MeshedPod } from "./pod-proxies.ts"

/** What was looked for, and why it cannot be read, if so. */
export interface ContainerLogs {
  /** Absolute paths; the live one may not be there yet. */
  readonly files: readonly string[]
  readonly trouble: MeshscopeError | undefined
}

/** A name of Kubernetes; nothing that leads out of a folder. */
const NAME = /^[A-Za-z0-9](?:[A-Za-z0-9._-]{0,252}[A-Za-z0-9])?$/
/** A log file of a container by its restarts. What rotation makes of it has more behind. */
const LIVE = /^(0|[1-9]\d{0,8})\.log$/
/** Restarts that are read at once. */
const MOST = 5

/**
 * The kubelet's log files of one container: `<root>/<namespace>_<pod>_<uid>/<container>/<restarts>.log`. The live one is
 * followed before it is there. The one before it is read to its end; those after it are there where the pod's status
 * comes late. What the kubelet rotates away is found by whoever follows them.
 */
export function containerLogs(
  root: string,
  pod: MeshedPod,
  container: string,
  restarts: number,
): ContainerLogs {
  const parts = [pod.namespace, pod.name, pod.logUid, container]
  if (!parts.every((part) => NAME.test(part))) return { files: [], trouble: undefined }
  const folder = join(root, `${pod.namespace}_${pod.name}_${pod.logUid}`, container)
  const live = join(folder, `${restarts}.log`)
  const trouble = rootTrouble(root) ?? fileTrouble(live)
  if (trouble !== undefined) return { files: [], trouble }
  return { files: runs(folder, restarts).map((run) => join(folder, `${run}.log`)), trouble: undefined }
}

/** Numbers of the files to read, oldest first. */
function runs(folder: string, restarts: number): number[] {
  const there = namesIn(folder).flatMap((name) => {
    const [, digits] = LIVE.exec(name) ?? []
    return digits === undefined ? [] : [Number(digits)]
  })
  const before = Math.max(...there.filter((run) => run < restarts))
  const all = new Set([restarts, ...there.filter((run) => run > restarts || run === before)])
  return [...all].toSorted((a, b) => a - b).slice(-MOST)
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder)
  } catch {
    return []
  }
}

function rootTrouble(root: string): MeshscopeError | undefined {
  try {
    accessSync(root, constants.R_OK | constants.X_OK)
    return undefined
  } catch (cause) {
    const advice =
      "Mount the node's folder there (hostPath), let the agent read it, or set discover.kubernetes.logs. Until then requests are counted from stats."
    const message = `The folder of pods' logs, ${root}, cannot be read: ${fileReason(cause)}. ${advice}`
    return new MeshscopeError("FILE_UNREADABLE", message, { retryable: true, cause })
  }
}

/** A file that is not there yet is no trouble; a link that leads nowhere is. */
function fileTrouble(file: string): MeshscopeError | undefined {
  try {
    const found = lstatSync(file, { throwIfNoEntry: false })
    if (found !== undefined) accessSync(file, constants.R_OK)
    return undefined
  } catch (cause) {
    const advice =
      "Let the agent read files of root in it; where they are links, mount the folder that they lead to as well."
    const message = `Logs of pods, such as ${file}, cannot be read: ${fileReason(cause)}. ${advice}`
    return new MeshscopeError("FILE_UNREADABLE", message, { retryable: true, cause })
  }
}
