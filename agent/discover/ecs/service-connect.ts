import { readdir, stat } from "node:fs/promises"
import { join } from "node:path"
import { adminAddress } from "#mesh/address.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import { fileUnreadable } from "#mesh/system-reason.ts"
import type { ReportProblem } from "../contract.ts"
import type { ServiceConnectConfig } from "./config.ts"
import { labelsOf } from "./envoys.ts"
import type { EcsContainer, EcsTask } from "./tasks.ts"

/** The instance's relay to the control plane: an Envoy of AWS's own, that no request of a service goes through. */
const RELAY = "relay"
/** What ECS calls the container that it adds to a task, before some letters; seen in programs that pass it over. */
const CONTAINER = /^ecs-service-connect-/
const TASK = /^[A-Za-z0-9-]{1,128}$/
const MOST_TASKS = 2000

/**
 * The proxies of Service Connect on this instance. The ECS agent gives each task a folder with the socket of the program
 * that runs its Envoy; where the task has no log driver for it, its output is in a file. Source: amazon-ecs-agent
 * `agent/engine/serviceconnect/manager_linux.go`.
 * @param sent whether containers' output is sent to this agent
 * @throws MeshscopeError FILE_UNREADABLE, except where no task has used Service Connect on this instance yet
 */
export async function serviceConnectTargets(
  { root, logs }: ServiceConnectConfig,
  tasks: readonly EcsTask[],
  sent: boolean,
  report: ReportProblem,
): Promise<ProxyTarget[]> {
  const known = new Map(tasks.map((task) => [task.id, task]))
  const folders = (await foldersIn(root)).filter((name) => name !== RELAY && TASK.test(name)).toSorted()
  const targets: ProxyTarget[] = []
  for (const id of folders.slice(0, MOST_TASKS)) {
    const path = join(root, id, "appnet_admin.sock")
    if (!(await isSocket(path))) continue
    const admin = adminAddress(`unix:${path}`)
    if (admin === undefined) report(tooLong(path))
    else targets.push(await targetOf(id, admin, { logs, sent }, known.get(id)))
  }
  return targets
}

async function targetOf(
  id: string,
  admin: ProxyTarget["admin"],
  { logs, sent }: { readonly logs: string; readonly sent: boolean },
  task: EcsTask | undefined,
): Promise<ProxyTarget> {
  const log = join(logs, id, "appnet_envoy.log")
  const written = await isThere(log)
  const container = task && containerOf(task)
  const comes = sent && !written && container !== undefined
  return {
    name: `${id}/service-connect`,
    admin,
    serves: { kind: "service-connect" },
    logs: written ? [log] : [],
    hint: { flavor: "service-connect", role: "sidecar" },
    ...(comes ? { sent: true } : {}),
    gaps: written || comes ? ["config", "hosts"] : ["config", "hosts", "log"],
    labels: task === undefined ? { task_id: id } : labelsOf(task, container),
  }
}

/** The container that output is known by; undefined where none or several may be it. */
function containerOf({ containers }: EcsTask): EcsContainer | undefined {
  const [only, ...others] = containers.filter(({ name }) => CONTAINER.test(name))
  return others.length === 0 ? only : undefined
}

async function foldersIn(root: string): Promise<string[]> {
  try {
    return await readdir(root)
  } catch (cause) {
    if (cause instanceof Error && "code" in cause && cause.code === "ENOENT") return []
    throw fileUnreadable("The folder of Service Connect", root, cause, true)
  }
}

async function isSocket(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isSocket() ?? false
}

async function isThere(path: string): Promise<boolean> {
  const found = await stat(path).catch(() => undefined)
  return found?.isFile() ?? false
}

function tooLong(path: string): MeshscopeError {
  const sentence = `The socket ${path} cannot be connected to: its path is longer than 107 bytes. Mount the folder at a shorter one.`
  return new MeshscopeError("FILE_UNREADABLE", sentence)
}
