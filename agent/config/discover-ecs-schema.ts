import * as z from "zod"
import { whereStand } from "#mesh/configuration.ts"
import { duration } from "#mesh/quantities.ts"
import { baseUrlSchema } from "./url-schema.ts"

/** What the instance serves has no certificate. */
const plainUrlSchema = (example: string) =>
  baseUrlSchema(example).refine((url) => url.startsWith("http:"), {
    error: `expects http, such as ${example}`,
  })

type LogSettings =
  | { readonly from: "none" | "forward" }
  | { readonly from: "json-file" | "log-driver-volume"; readonly root: string }
  | { readonly from: "shared-volume"; readonly file: string }

const DOCKER_LOGS = "/var/lib/docker/containers"

const logs = z
  .strictObject({
    from: z
      .enum(["none", "json-file", "log-driver-volume", "shared-volume", "forward"])
      .default("none")
      .describe(
        "Where Envoys' output goes. `json-file`: Docker's log driver on this instance. `log-driver-volume`: the log volume of a managed daemon. `shared-volume`: a file of the task's own. `forward`: FireLens or the fluentd driver sends it to this agent. `none`: elsewhere, so that requests are counted from stats.",
      ),
    root: z
      .string()
      .min(1)
      .optional()
      .describe(
        `Folder that holds a folder for each container. Default for \`json-file\`: ${DOCKER_LOGS}. Needed for \`log-driver-volume\`: where the volume is mounted.`,
      ),
    file: z
      .string()
      .min(1)
      .optional()
      .describe("For `shared-volume`: the file, with `{task_id}` and `{container_name}` in its path."),
  })
  .superRefine(({ from, root, file }, context) => {
    const wrong = (path: string, message: string): void =>
      context.addIssue({ code: "custom", path: [path], message })
    if (from === "log-driver-volume" && root === undefined)
      wrong("root", "expects the folder where the log driver volume is mounted")
    if (from === "shared-volume" && file === undefined)
      wrong("file", "expects the file, with {task_id} and {container_name} in its path")
    if (root !== undefined && from !== "json-file" && from !== "log-driver-volume")
      wrong("root", `expects from: json-file or log-driver-volume, not ${from}`)
    if (file !== undefined && from !== "shared-volume")
      wrong("file", `expects from: shared-volume, not ${from}`)
  }, whereStand())
  .transform(({ from, root = DOCKER_LOGS, file = "" }): LogSettings => {
    if (from === "shared-volume") return { from, file }
    return from === "json-file" || from === "log-driver-volume" ? { from, root } : { from }
  })

const serviceConnect = z.strictObject({
  root: z
    .string()
    .min(1)
    .default("/var/run/ecs/service_connect")
    .describe("Folder in which the ECS agent gives each task of Service Connect a folder with a socket."),
  logs: z
    .string()
    .min(1)
    .default("/var/log/ecs/service_connect")
    .describe("Folder of the logs of proxies for which their tasks have no log driver."),
})

const api = z
  .strictObject({
    interval: duration({ min: "10s", max: "1h" })
      .prefault("60s")
      .describe(
        "Time between two looks at the API. It is waited longer where AWS throttles. Beside the ECS agent only new tasks are asked about, at once.",
      ),
    metadata: plainUrlSchema("http://169.254.170.2/v4/0123456789abcdef")
      .optional()
      .describe(
        "In place of the ECS agent: the task metadata endpoint, `${ECS_CONTAINER_METADATA_URI_V4}`, by which the agent finds its own instance.",
      ),
    cluster: z
      .string()
      .min(1)
      .max(2048)
      .optional()
      .describe("In place of the ECS agent, with `containerInstance`: name or ARN of the cluster."),
    containerInstance: z
      .string()
      .min(1)
      .max(2048)
      .optional()
      .describe("With `cluster`: id or ARN of the container instance whose tasks are read."),
  })
  .superRefine(({ metadata, cluster, containerInstance }, context) => {
    const wrong = (path: string, message: string): void =>
      context.addIssue({ code: "custom", path: [path], message })
    if (cluster === undefined && containerInstance !== undefined)
      wrong("cluster", "expects the cluster of `containerInstance`")
    if (cluster !== undefined && containerInstance === undefined)
      wrong("containerInstance", "expects the instance whose tasks are read")
    if (metadata !== undefined && cluster !== undefined)
      wrong("metadata", "expects either this, or `cluster` and `containerInstance`")
  }, whereStand())

/** `discover.ecs`: proxies in tasks of the instance that the agent runs on, or in its own task. */
export const ecsSchema = z
  .strictObject({
    interval: duration({ min: "1s", max: "1h" }).prefault("15s").describe("Time between two looks."),
    timeout: duration({ min: "100ms", max: "1m" })
      .prefault("5s")
      .describe("How long the ECS agent, Docker or the metadata endpoint may take for one answer."),
    introspection: plainUrlSchema("http://localhost:51678")
      .optional()
      .describe(
        "The ECS agent's introspection. Default: http://localhost:51678, and none where `task` is given, or in `api` what takes its place.",
      ),
    images: z
      .array(z.string().min(1))
      .max(100)
      .default(["aws-appmesh-envoy", "envoy"])
      .describe("Images that are Envoys: the last part of the name, without tag."),
    containers: z
      .array(z.string().min(1))
      .max(100)
      .default(["envoy"])
      .describe("Containers that are Envoys, by the name in the task definition."),
    adminPort: z.int().min(1).max(65_535).default(9901).describe("Port of Envoys' admin interface."),
    host: z
      .string()
      .min(1)
      .max(253)
      .default("127.0.0.1")
      .describe(
        "Where this agent reaches ports of the instance, for tasks in bridge and host networking. In bridge networking itself: the bridge's address.",
      ),
    logs: logs.prefault({}).describe("Where Envoys' access lines are."),
    docker: z
      .strictObject({
        socket: z
          .string()
          .min(1)
          .default("/var/run/docker.sock")
          .describe("Docker's Unix socket. Whoever may use it rules the instance."),
      })
      .optional()
      .describe(
        "Asks Docker as well, for what the ECS agent does not tell: the resource and admin port in an Envoy's environment, labels that name its page for Prometheus, its log file.",
      ),
    api: api
      .optional()
      .describe(
        "Asks the ECS API as well, or in place of the ECS agent: for a container's environment, labels, log driver and service. Needs ecs:DescribeTasks and ecs:DescribeTaskDefinition, in place of the ECS agent also ecs:ListTasks. Region and credentials are the AWS SDK's own.",
      ),
    serviceConnect: serviceConnect.optional().describe("Proxies of ECS Service Connect on this instance."),
    task: z
      .strictObject({
        metadata: plainUrlSchema("http://169.254.170.2/v4/0123456789abcdef").describe(
          "The task metadata endpoint: `${ECS_CONTAINER_METADATA_URI_V4}`.",
        ),
      })
      .optional()
      .describe("The Envoy in the agent's own task, as on Fargate."),
  })
  .superRefine(({ introspection, task, api: asked }, context) => {
    if (asked === undefined || isPlaced(asked) || task === undefined || introspection !== undefined) return
    const message = "expects metadata, or cluster and containerInstance, since no ECS agent is asked"
    context.addIssue({ code: "custom", path: ["api"], message })
  }, whereStand())
  .transform((ecs) => {
    const isTold = ecs.task !== undefined || (ecs.api !== undefined && isPlaced(ecs.api))
    return ecs.introspection === undefined && !isTold
      ? { ...ecs, introspection: "http://localhost:51678" }
      : ecs
  })

/** It says itself where the agent's instance is, so that nobody asks the ECS agent. */
function isPlaced({
  metadata,
  containerInstance,
}: {
  readonly metadata?: string | undefined
  readonly containerInstance?: string | undefined
}): boolean {
  return metadata !== undefined || containerInstance !== undefined
}

type EcsSettings = z.output<typeof ecsSchema>

/** @param absolute makes a path of the configuration absolute */
export function absoluteEcs(ecs: EcsSettings, absolute: (path: string) => string): EcsSettings {
  const { logs: from, docker, serviceConnect: connect } = ecs
  return {
    ...ecs,
    logs: absoluteLogs(from, absolute),
    ...(docker === undefined ? {} : { docker: { socket: absolute(docker.socket) } }),
    ...(connect === undefined
      ? {}
      : { serviceConnect: { root: absolute(connect.root), logs: absolute(connect.logs) } }),
  }
}

function absoluteLogs(from: LogSettings, absolute: (path: string) => string): LogSettings {
  if (from.from === "shared-volume") return { ...from, file: absolute(from.file) }
  return "root" in from ? { ...from, root: absolute(from.root) } : from
}
