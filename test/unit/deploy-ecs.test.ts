import { readdirSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import * as z from "zod"
import { parseAgentConfig } from "../../agent/config/parse.ts"
import { parseCollectorConfig } from "../../collector/config.ts"
import { madeResources, readTemplate } from "../fixtures/deploy/cloudformation.ts"
import { ROOT } from "../fixtures/deploy/objects.ts"

const AGENT = readTemplate("deploy/ecs/agent.yaml")
const COLLECTOR = readTemplate("deploy/ecs/collector.yaml")

type Choices = Readonly<Record<string, string | number>>

const IMAGE = "123456789012.dkr.ecr.eu-central-1.amazonaws.com/meshscope:0.0.0"
const EVERYTHING: Choices = {
  Image: IMAGE,
  Logs: "json-file",
  ServiceConnect: "yes",
  EcsApi: "yes",
  ProxySecurityGroup: "sg-1",
  InstanceSecurityGroup: "sg-2",
  CollectorUrl: "http://collector.meshscope.internal:4318",
  TokenSecret: "arn:aws:secretsmanager:eu-central-1:123456789012:secret:token",
  AccessLogs: "yes",
  Metrics: "classic",
  XRay: "yes",
  RemoteWriteUrl: "https://aps-workspaces.eu-central-1.amazonaws.com/workspaces/ws-1/api/v1/remote_write",
  RemoteWriteWorkspace: "arn:aws:aps:eu-central-1:123456789012:workspace/ws-1",
}

/** Containers as the API and CloudFormation write them: the same keys, small or large. */
const pairs = z.array(z.object({ name: z.string(), value: z.string() }))
const container = z.object({
  image: z.string(),
  command: z.array(z.string()),
  user: z.string().optional(),
  readonlyRootFilesystem: z.literal(true),
  linuxParameters: z.object({
    capabilities: z.object({ drop: z.array(z.string()), add: z.array(z.string()).default([]) }),
  }),
  dockerSecurityOptions: z.array(z.string()).default([]),
  portMappings: z.array(z.object({ containerPort: z.int() })).default([]),
  environment: pairs,
  secrets: z.array(z.object({ name: z.string(), valueFrom: z.string() })).default([]),
  mountPoints: z
    .array(z.object({ sourceVolume: z.string(), containerPath: z.string(), readOnly: z.boolean() }))
    .default([]),
})
const task = z.object({
  volumes: z.array(z.object({ name: z.string() })).default([]),
  // Others' containers, beside which an agent runs, are theirs
  containerDefinitions: z.array(z.unknown()).transform((all) =>
    all.flatMap((one) => {
      const { success, data } = container.safeParse(one)
      return success ? [data] : []
    }),
  ),
})

/** Keys begin small, as in the API. Keys of `options` stay as they are, which here makes no difference. */
function small(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(small)
  if (typeof node !== "object" || node === null) return node
  return Object.fromEntries(
    Object.entries(node).map(([key, value]) => [
      `${key.charAt(0).toLowerCase()}${key.slice(1)}`,
      small(value),
    ]),
  )
}

const statement = z.object({
  action: z.array(z.string()),
  resource: z.union([z.string(), z.array(z.string())]),
  condition: z.unknown().optional(),
})

/** Statements of all policies, but for who may take a role. */
function statements(node: unknown): z.output<typeof statement>[] {
  if (Array.isArray(node)) return node.flatMap(statements)
  if (typeof node !== "object" || node === null) return []
  const found = statement.safeParse(node)
  return found.success ? [found.data] : Object.values(node).flatMap(statements)
}

function made(template: typeof AGENT, choices: Choices) {
  const resources = madeResources(template, choices)
  const tasks = Object.values(resources).flatMap(({ type, properties }) =>
    type.endsWith("TaskDefinition") ? [task.parse(small(properties))] : [],
  )
  return { names: Object.keys(resources), resources, tasks, rights: statements(small(resources)) }
}

function checkAgent({ volumes, containerDefinitions: [agent] }: z.output<typeof task>) {
  const variables = [
    ...(agent?.environment ?? []),
    ...(agent?.secrets ?? []).map(({ name }) => ({ name, value: "s" })),
  ]
  const env: Record<string, string> = Object.fromEntries(variables.map(({ name, value }) => [name, value]))
  expect(agent?.command).toEqual(["agent", "--config", "env:MESHSCOPE_CONFIG"])
  expect(agent?.mountPoints.map(({ sourceVolume }) => sourceVolume)).toEqual(volumes.map(({ name }) => name))
  expect(
    agent?.mountPoints.filter(({ readOnly }) => !readOnly).map(({ containerPath }) => containerPath),
  ).toEqual(["/var/lib/meshscope"])
  const meta = { ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/1" }
  const source = {
    file: "env:MESHSCOPE_CONFIG",
    text: env["MESHSCOPE_CONFIG"] ?? "",
    env: { ...env, ...meta },
  }
  return { config: parseAgentConfig({ ...source, hostName: "ip-10-0-0-1" }), agent, env }
}

describe("deploy/ecs/agent.yaml", () => {
  const kinds = ["instances", "managed-instances"]
  const choices: Choices[] = [
    { Image: IMAGE },
    { Image: IMAGE, CollectorUrl: "http://collector:4318" },
    { Image: IMAGE, Metrics: "otlp", AccessLogs: "yes" },
    { Image: IMAGE, XRay: "yes" },
    { Image: IMAGE, Logs: "forward" },
    { Image: IMAGE, EcsApi: "yes" },
    EVERYTHING,
  ]

  test.each(kinds.flatMap((kind) => choices.map((chosen) => Object.assign({ Runs: kind }, chosen))))(
    "an agent takes what %o makes, and has its folders",
    (chosen: Choices) => {
      const { tasks } = made(AGENT, chosen)
      expect(tasks).toHaveLength(1)
      for (const each of tasks) {
        const { config } = checkAgent(each)
        expect(config.discover.ecs).toBeDefined()
        expect(config.discover.ecs?.api === undefined).toBe(chosen["EcsApi"] !== "yes")
        // Nobody is asked in place of the ECS agent, but on Managed Instances
        expect(config.discover.ecs?.introspection === undefined).toBe(
          chosen["EcsApi"] === "yes" && chosen["Runs"] === "managed-instances",
        )
        expect(config.publish.otlp?.endpoint).toBe(chosen["CollectorUrl"])
        expect(config.model.collector?.url).toBe(chosen["CollectorUrl"])
        expect(config.publish.cloudwatchLogs === undefined).toBe(chosen["AccessLogs"] !== "yes")
        expect(config.publish.cloudwatchMetrics === undefined).toBe(chosen["Metrics"] !== "classic")
        expect(config.publish.cloudwatchOtlp === undefined).toBe(chosen["Metrics"] !== "otlp")
        expect(config.receive.xray === undefined).toBe(chosen["XRay"] !== "yes")
        expect(config.publish.remoteWrite?.url).toBe(chosen["RemoteWriteUrl"])
      }
    },
  )

  test("everything on instances: logs, sockets of Service Connect, a token", () => {
    const [only] = made(AGENT, EVERYTHING).tasks
    const { config, agent, env } = checkAgent(only ?? task.parse({}))
    expect(config.discover.ecs).toMatchObject({
      logs: { from: "json-file", root: "/var/lib/docker/containers" },
    })
    expect(config.discover.ecs?.serviceConnect).toMatchObject({ root: "/var/run/ecs/service_connect" })
    expect(agent?.mountPoints.map(({ containerPath }) => containerPath)).toEqual([
      "/var/lib/meshscope",
      "/var/lib/docker/containers",
      "/var/run/ecs/service_connect",
      "/var/log/ecs/service_connect",
    ])
    expect(env["AWS_REGION"]).toBe("eu-central-1")
    expect(config.publish.otlp?.headers).toEqual({
      Authorization: { env: "MESHSCOPE_TOKEN", prefix: "Bearer " },
    })
    expect(config.model.collector?.headers).toEqual(config.publish.otlp?.headers)
    expect(agent?.linuxParameters.capabilities).toEqual({ drop: ["ALL"], add: ["DAC_OVERRIDE"] })
    expect(agent?.dockerSecurityOptions).toEqual(["no-new-privileges"])
  })

  test("nothing chosen: no capability", () => {
    const capabilities = kinds.flatMap((Runs) =>
      made(AGENT, { Image: IMAGE, Runs }).tasks.flatMap(({ containerDefinitions }) =>
        containerDefinitions.map(({ linuxParameters }) => linuxParameters.capabilities),
      ),
    )
    expect(capabilities).toEqual(kinds.map(() => ({ drop: ["ALL"], add: [] })))
  })

  test("nothing chosen: an agent without any right", () => {
    const { names, rights } = made(AGENT, { Image: IMAGE })
    expect(rights).toEqual([])
    expect(names).not.toContain("AgentPolicy")
    expect(names).not.toContain("ProxyIngress")
  })

  test.each([
    ["AccessLogs", "yes", "logs:PutLogEvents"],
    ["Metrics", "classic", "logs:PutLogEvents"],
    ["Metrics", "otlp", "cloudwatch:PutMetricData"],
    ["XRay", "yes", "xray:PutTraceSegments"],
    ["RemoteWriteWorkspace", "arn:aws:aps:eu-central-1:123456789012:workspace/ws-1", "aps:RemoteWrite"],
    [
      "TokenSecret",
      "arn:aws:secretsmanager:eu-central-1:123456789012:secret:t",
      "secretsmanager:GetSecretValue",
    ],
  ])("%s: %s brings the right %s in one statement, and no other", (choice, value, action) => {
    const { rights } = made(AGENT, { Image: IMAGE, [choice]: value })
    expect(rights).toHaveLength(1)
    expect(rights[0]?.action).toContain(action)
  })

  test.each([
    ["instances", ["ecs:DescribeTasks"]],
    ["managed-instances", ["ecs:ListTasks", "ecs:DescribeTasks"]],
  ])("EcsApi on %s: %o of this cluster alone, and definitions of tasks", (Runs, actions) => {
    const { rights } = made(AGENT, { Image: IMAGE, Runs, Cluster: "shop", EcsApi: "yes" })
    const cluster = "arn:aws:ecs:eu-central-1:123456789012:cluster/shop"
    expect(rights).toEqual([
      { action: actions, resource: "*", condition: { arnEquals: { "ecs:cluster": cluster } } },
      { action: ["ecs:DescribeTaskDefinition"], resource: "*" },
    ])
  })

  test("a sidecar gets rights alone", () => {
    expect(made(AGENT, { ...EVERYTHING, Runs: "sidecar", ProxySecurityGroup: "" }).names).toEqual([
      "AgentPolicy",
    ])
  })

  test("a daemon task of one's own takes the place of the template's", () => {
    const { names } = made(AGENT, { Image: IMAGE, Runs: "managed-instances", DaemonTaskDefinition: "arn:x" })
    expect(names).toEqual(["TaskRole", "ExecutionRole", "Log", "Daemon"])
  })

  test("a configuration of one's own is taken as it is", () => {
    const Config = "discover: { static: { file: /etc/targets.yaml } }"
    const [only] = made(AGENT, { Image: IMAGE, Config }).tasks
    expect(checkAgent(only ?? task.parse({})).env["MESHSCOPE_CONFIG"]).toBe(Config)
  })
})

/** `name: from group -> to group protocol port`, of a rule by itself or of a group's own. */
const openings = (template: typeof AGENT, choices: Choices): string[] =>
  Object.entries(madeResources(template, choices)).flatMap(([name, { type, properties }]) => {
    const rules = type.endsWith("SecurityGroup") ? properties : { SecurityGroupIngress: [properties] }
    if (!type.startsWith("AWS::EC2::SecurityGroup")) return []
    return opening
      .parse(rules)
      .SecurityGroupIngress.map(
        ({ GroupId, SourceSecurityGroupId: from, IpProtocol, FromPort, ToPort }) =>
          `${name}: ${from} -> ${GroupId} ${IpProtocol} ${FromPort}${ToPort === FromPort ? "" : `-${ToPort}`}`,
      )
  })
const opening = z.object({
  SecurityGroupIngress: z.array(
    z.object({
      GroupId: z.string().default("its own"),
      SourceSecurityGroupId: z.string(),
      IpProtocol: z.string(),
      FromPort: z.int(),
      ToPort: z.int(),
    }),
  ),
})

test("security groups are opened to groups, one port each", () => {
  expect(openings(AGENT, { ...EVERYTHING, Logs: "forward" })).toEqual([
    "ProxyIngress: sg-2 -> sg-1 tcp 9901",
    "SegmentsByUdp: sg-1 -> sg-2 udp 2000",
    "SamplingByTcp: sg-1 -> sg-2 tcp 2000",
    "LinesByForward: sg-1 -> sg-2 tcp 24224",
  ])
  expect(
    openings(COLLECTOR, { Image: IMAGE, AgentSecurityGroup: "sg-2", ReaderSecurityGroup: "sg-3" }),
  ).toEqual(["SecurityGroup: sg-2 -> its own tcp 4318", "ReaderIngress: sg-3 -> <SecurityGroup> tcp 4318"])
})

test("the old task ends before the new one begins, where both would write one folder or share one name", () => {
  for (const template of [AGENT, COLLECTOR]) {
    const service = madeResources(template, { Image: IMAGE })["Service"]
    expect(service?.properties).toMatchObject({
      DeploymentConfiguration: { MinimumHealthyPercent: 0, MaximumPercent: 100 },
    })
  }
})

describe("deploy/ecs/collector.yaml", () => {
  test.each([
    { Image: IMAGE },
    { Image: IMAGE, TokenSecret: "arn:aws:secretsmanager:x", ReaderSecurityGroup: "sg-3" },
  ])("a collector takes what %o makes", (chosen: Choices) => {
    const { tasks, rights } = made(COLLECTOR, chosen)
    const [only] = tasks.flatMap(({ containerDefinitions }) => containerDefinitions)
    const text = only?.environment.find(({ name }) => name === "MESHSCOPE_CONFIG")?.value ?? ""
    const config = parseCollectorConfig({ file: "env:MESHSCOPE_CONFIG", text, env: {} })
    expect(config.listen).toEqual({ host: "0.0.0.0", port: 4318 })
    expect(config.intake.tokenEnv).toBe(only?.secrets[0]?.name)
    expect(rights.flatMap(({ action }) => action)).toEqual(
      chosen["TokenSecret"] === undefined ? [] : ["secretsmanager:GetSecretValue"],
    )
    expect(only?.user).toBe("65532:65532")
    expect(only?.linuxParameters.capabilities).toEqual({ drop: ["ALL"], add: [] })
    expect(only?.portMappings.map(({ containerPort }) => containerPort)).toEqual([config.listen.port])
  })
})

test("no action is meant by a star, and every resource is named where there is one to name", () => {
  const rights = [
    ...made(AGENT, EVERYTHING).rights,
    ...made(AGENT, { ...EVERYTHING, Metrics: "otlp" }).rights,
  ]
  expect(rights.flatMap(({ action }) => action).filter((action) => action.includes("*"))).toEqual([])
  const everywhere = rights
    .filter(({ resource, condition }) => resource === "*" && condition === undefined)
    .flatMap(({ action }) => action)
  // None of these takes a resource
  // Of log groups those of ours, whatever the mesh
  const logs = rights.filter(({ action }) => action.some((one) => one.startsWith("logs:")))
  const group =
    /^arn:aws:logs:eu-central-1:123456789012:log-group:\/meshscope\/\*\/(?:access|metrics)(?::\*)?$/
  expect(logs.flatMap(({ resource }) => resource).filter((resource) => !group.test(resource))).toEqual([])
  const free = /^(?:xray:|cloudwatch:PutMetricData$|ecs:DescribeTaskDefinition$)/
  expect(everywhere.filter((action) => !free.test(action))).toEqual([])
})

const taskFile = (file: string) =>
  task.parse(JSON.parse(readFileSync(join(ROOT, "deploy/ecs", file), "utf8")))
const ours = (file: string) =>
  taskFile(file).containerDefinitions.find(({ command }) => command.includes("--config"))

describe("task definitions as JSON", () => {
  const files = readdirSync(join(ROOT, "deploy/ecs")).filter((file) => file.endsWith(".json"))

  test.each(files)("%s: the image has a version, no capability is kept", (file) => {
    expect(ours(file)?.image).toMatch(/:\d+\.\d+\.\d+$/)
    expect(ours(file)?.linuxParameters.capabilities).toEqual({ drop: ["ALL"], add: [] })
  })

  test.each(files.filter((file) => !file.startsWith("collector")))("an agent takes %s", (file) => {
    const agent = ours(file)
    const { config } = checkAgent({
      ...taskFile(file),
      containerDefinitions: agent === undefined ? [] : [agent],
    })
    expect(config.discover.ecs).toBeDefined()
  })

  test("a collector takes collector-task.json", () => {
    const text = ours("collector-task.json")?.environment[0]?.value ?? ""
    expect(parseCollectorConfig({ file: "env:X", text, env: {} }).listen.port).toBe(4318)
  })
})
