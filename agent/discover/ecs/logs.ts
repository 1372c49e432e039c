import { join } from "node:path"
import type { ProxyTarget } from "#mesh/proxy.ts"
import type { EcsLogs } from "./config.ts"
import type { ContainerFacts } from "./facts.ts"
import type { EcsContainer, EcsTask } from "./tasks.ts"

/** Drivers that write to where the setting says that lines are. FireLens is Docker's fluentd driver beneath. */
const DRIVERS: Readonly<Partial<Record<EcsLogs["from"], readonly string[]>>> = {
  "json-file": ["json-file"],
  "log-driver-volume": ["json-file"],
  forward: ["fluentd", "awsfirelens"],
}

/**
 * Where the lines of a container are, by configuration: the file that its driver or the task itself writes, or this
 * agent's own receiver. A container whose driver is known to write elsewhere has no log.
 */
export function logsOf(
  logs: EcsLogs,
  task: EcsTask,
  container: EcsContainer,
  { logFile, driver }: Pick<ContainerFacts, "logFile" | "driver">,
): Pick<ProxyTarget, "logs" | "sent" | "gaps"> {
  const drivers = DRIVERS[logs.from]
  if (driver !== "" && drivers !== undefined && !drivers.includes(driver)) return { logs: [], gaps: ["log"] }
  switch (logs.from) {
    case "none":
      return { logs: [], gaps: ["log"] }
    case "forward":
      return { logs: [], sent: true }
    case "json-file":
      return logFile === "" ? driverFile(logs.root, container) : { logs: [logFile] }
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
