import { join } from "node:path"
import type { ProxyTarget } from "#mesh/proxy.ts"
import type { EcsLogs } from "./config.ts"
import type { EcsContainer, EcsTask } from "./tasks.ts"

/**
 * Where the lines of a container are, by configuration: the file that its driver or the task itself writes, or this
 * agent's own receiver.
 * @param told the file that Docker names; empty where nobody was asked or the driver writes none
 */
export function logsOf(
  logs: EcsLogs,
  task: EcsTask,
  container: EcsContainer,
  told = "",
): Pick<ProxyTarget, "logs" | "sent" | "gaps"> {
  switch (logs.from) {
    case "none":
      return { logs: [], gaps: ["log"] }
    case "forward":
      return { logs: [], sent: true }
    case "json-file":
      return told === "" ? driverFile(logs.root, container) : { logs: [told] }
    case "log-driver-volume":
      return driverFile(logs.root, container)
    case "shared-volume":
      return { logs: [filled(logs.file, { task_id: task.id, container_name: container.name })] }
  }
}

/** A container that is not made yet has no file. */
function driverFile(root: string, { id }: EcsContainer): Pick<ProxyTarget, "logs" | "gaps"> {
  return id === "" ? { logs: [], gaps: ["log"] } : { logs: [join(root, id, `${id}-json.log`)] }
}

/** Names and ids hold no slash and no dot, so that they never lead out of a folder. */
function filled(pattern: string, values: Readonly<Record<"task_id" | "container_name", string>>): string {
  return pattern.replace(
    /\{(task_id|container_name)\}/g,
    (_, name: "task_id" | "container_name") => values[name],
  )
}
