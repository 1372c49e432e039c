import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import type { EcsDiscoveryConfig } from "../../agent/discover/ecs/config.ts"
import { ecsDiscovery } from "../../agent/discover/ecs/discovery.ts"
import { makeEcsCalls } from "../../agent/ecs-calls.ts"
import { stubBareEnvironment } from "../fake/aws/bare-environment.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"
import { type FakeEcsAgent, fakeEcsAgent } from "../fake/ecs/agent.ts"
import { apiContainer, apiDefinition, apiTask, definitionArn, INSTANCE } from "../fake/ecs/api-shapes.ts"
import { application, container, dockerId, task, taskArn, taskId } from "../fake/ecs/shapes.ts"

const RESOURCE = "arn:aws:appmesh:eu-west-1:111122223333:mesh/yelb/virtualNode/ui"
let aws: FakeAws
let agent: FakeEcsAgent
const undo: (() => Promise<void>)[] = []

beforeEach(async () => {
  aws = await startFakeAws()
  agent = await fakeEcsAgent()
  undo.push(
    () => aws.stop(),
    () => agent.close(),
  )
  stubBareEnvironment()
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value)
  aws.ecs.definitions.set(...apiDefinition("ui", [{}]))
})
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
  vi.unstubAllEnvs()
})

interface Running {
  readonly groups: (readonly ProxyTarget[])[]
  readonly problems: string[]
  mended: number
  looks: number
  /** Time that passed beside that of the clock, ms. */
  ahead: number
  readonly last: readonly ProxyTarget[]
}

function run(config: Partial<EcsDiscoveryConfig>): Running {
  const end = new AbortController()
  const running: Running = {
    groups: [],
    problems: [],
    mended: 0,
    looks: 0,
    ahead: 0,
    get last() {
      return running.groups.at(-1) ?? []
    },
  }
  const whole: EcsDiscoveryConfig = {
    interval: 10,
    timeout: 5000,
    images: ["aws-appmesh-envoy", "envoy"],
    containers: ["envoy"],
    adminPort: 9901,
    host: "127.0.0.1",
    logs: { from: "none" },
    api: { interval: 60_000, cluster: "yelb", containerInstance: INSTANCE },
    ...config,
  }
  const clock = {
    ...systemClock,
    monotonic: () => systemClock.monotonic() + running.ahead,
    sleep: (ms: number, signal?: AbortSignal) => {
      running.looks += 1
      return systemClock.sleep(ms, signal)
    },
  }
  const ended = ecsDiscovery(whole, {
    clock,
    calls: makeEcsCalls(whole.timeout),
    random: () => 0,
    report: ({ message }) => running.problems.push(message),
    mended: () => {
      running.mended += 1
    },
  }).run((targets) => running.groups.push(targets), end.signal)
  undo.push(async () => {
    end.abort()
    await ended
  })
  return running
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await systemClock.sleep(5)
}
/** Whole looks that begin after now. */
async function looks(running: Running, count = 3): Promise<void> {
  const before = running.looks
  await until(() => running.looks >= before + count + 1)
}
const asked = (api: string): number => aws.requests.filter((one) => one.api === `ecs:${api}`).length
const calls = (): number[] => ["ListTasks", "DescribeTasks", "DescribeTaskDefinition"].map(asked)
const beside = (): Running => run({ introspection: agent.url, api: { interval: 60_000 } })
const env = (name: string, value: string) => ({ name, value })
const ports = (at: number) => [
  { bindIP: "0.0.0.0", containerPort: 9901, hostPort: 32_768 + at, protocol: "tcp" },
]
const admins = (targets: readonly ProxyTarget[]): unknown[] =>
  targets.map(({ name, admin }) => [name, admin.kind === "tcp" ? `${admin.host}:${admin.port}` : admin.path])

describe("in place of the ECS agent", () => {
  test("tasks of the own instance: address by networking, port and resource by environment and label, driver", async () => {
    aws.ecs.tasks = [
      apiTask(1, { taskDefinitionArn: definitionArn("web") }),
      apiTask(2, {
        taskDefinitionArn: definitionArn("bridged"),
        attachments: [],
        containers: [apiContainer(2, { networkBindings: ports(0) })],
      }),
      apiTask(3, { taskDefinitionArn: definitionArn("bridged"), attachments: [] }),
      apiTask(4, { taskDefinitionArn: definitionArn("hosted"), attachments: [], group: "family:hosted" }),
      apiTask(5, {
        taskDefinitionArn: definitionArn("odd"),
        containers: [apiContainer(5, { name: "mesh-proxy", image: "own:1" })],
        overrides: {
          containerOverrides: [{ name: "mesh-proxy", environment: [env("APPMESH_RESOURCE_ARN", RESOURCE)] }],
        },
      }),
      apiTask(6, { containerInstanceArn: `${INSTANCE}0` }),
      apiTask(7, { lastStatus: "PENDING" }),
      apiTask(8, { containers: [apiContainer(8, { name: "app", image: "own/app:1" })] }),
    ]
    const envoyOfWeb = {
      environment: [
        env("APPMESH_RESOURCE_ARN", RESOURCE),
        env("ENVOY_ADMIN_ACCESS_PORT", "9909"),
        env("TOKEN", "secret"),
      ],
      logConfiguration: { logDriver: "awslogs" },
    }
    for (const definition of [
      apiDefinition("web", [envoyOfWeb]),
      apiDefinition("bridged", [{}], { networkMode: "bridge" }),
      apiDefinition("hosted", [{ logConfiguration: { logDriver: "json-file" } }], { networkMode: "host" }),
      apiDefinition("odd", [{ name: "mesh-proxy", dockerLabels: { "meshscope.dev/admin": "9902" } }]),
      apiDefinition("ui", [{ name: "app" }]),
    ])
      aws.ecs.definitions.set(...definition)
    const root = "/var/lib/docker/containers"
    const running = run({ logs: { from: "json-file", root } })
    await until(() => running.groups.length > 0)
    expect(admins(running.last)).toEqual([
      [`${taskId(1)}/envoy`, "10.0.2.1:9909"],
      [`${taskId(2)}/envoy`, "127.0.0.1:32768"],
      [`${taskId(4)}/envoy`, "127.0.0.1:9901"],
      [`${taskId(5)}/mesh-proxy`, "10.0.2.5:9902"],
    ])
    expect(running.last[0]).toEqual({
      name: `${taskId(1)}/envoy`,
      admin: { kind: "tcp", host: "10.0.2.1", port: 9909 },
      logs: [],
      gaps: ["log"],
      hint: { flavor: "app-mesh", nodeId: RESOURCE },
      labels: {
        cluster: "yelb",
        task_arn: taskArn(1),
        task_id: taskId(1),
        family: "web",
        revision: "1",
        service: "ui",
        container_name: "envoy",
        container_id: dockerId(1),
      },
    })
    expect(running.last[2]).toMatchObject({ logs: [`${root}/${dockerId(4)}/${dockerId(4)}-json.log`] })
    expect(running.last[3]?.hint).toEqual({ flavor: "app-mesh", nodeId: RESOURCE })
    expect(running.problems).toEqual([
      `The Envoy ${taskId(3)}/envoy cannot be asked: its address on the bridge is not told, and its admin port is not mapped. Map the port in its task definition, or let the agent ask the ECS agent (discover.ecs.introspection).`,
    ])
    expect(agent.asked).toEqual([])
  })

  test("the own task's metadata and the API tell together which instance it is, once", async () => {
    aws.ecs.tasks = [apiTask(1), apiTask(2, { containerInstanceArn: `${INSTANCE}0` })]
    agent.own = { Cluster: "yelb", TaskARN: taskArn(1), Family: "ui", Revision: "1", Containers: [] }
    const running = run({ api: { interval: 60_000, metadata: `${agent.url}/v4/0123` } })
    await until(() => running.groups.length > 0)
    expect(running.last.map(({ name }) => name)).toEqual([`${taskId(1)}/envoy`])
    running.ahead += 61_000
    await until(() => asked("ListTasks") === 2)
    expect(agent.asked).toEqual(["GET /v4/0123/task"])
  })

  test("on Fargate there is no instance, and that is said", async () => {
    const { containerInstanceArn: _, ...own } = apiTask(1)
    aws.ecs.tasks = [own]
    agent.own = { Cluster: "yelb", TaskARN: taskArn(1), Family: "ui", Revision: "1", Containers: [] }
    const running = run({ api: { interval: 60_000, metadata: `${agent.url}/v4/0123` } })
    await until(() => running.problems.length > 0)
    expect(running.problems[0]).toContain("On Fargate there is none: use discover.ecs.task.")
    expect(running.groups).toEqual([])
  })

  test("pages of a list, a hundred tasks a call, one call for each definition; later only what is new, and what went is gone", async () => {
    aws.ecs.tasks = Array.from({ length: 250 }, (_, at) =>
      apiTask(at + 1, {
        taskDefinitionArn: definitionArn("host"),
        attachments: [],
        containers: [apiContainer(at, { networkBindings: ports(at) })],
      }),
    )
    aws.ecs.definitions.set(...apiDefinition("host", [{}], { networkMode: "bridge" }))
    const running = run({})
    await until(() => running.groups.length > 0)
    expect(running.last).toHaveLength(250)
    expect(calls()).toEqual([3, 3, 1])
    await looks(running)
    expect(calls()).toEqual([3, 3, 1])
    aws.ecs.tasks = [...aws.ecs.tasks.slice(1), apiTask(999)]
    running.ahead += 61_000
    await until(() => running.groups.length > 1)
    expect(calls()).toEqual([6, 4, 2])
    expect(running.last.map(({ name }) => name)).toContain(`${taskId(999)}/envoy`)
    expect(running.last.map(({ name }) => name)).not.toContain(`${taskId(1)}/envoy`)
    running.ahead += 600_000
    await until(() => asked("ListTasks") === 9)
    await looks(running)
    expect(calls()).toEqual([9, 7, 2])
  })

  test("throttled: the last set stays, and it waits twice as long each time", async () => {
    aws.ecs.tasks = [apiTask(1)]
    const running = run({})
    await until(() => running.groups.length > 0)
    const free = aws.fail("ecs:*", { kind: "throttle" })
    for (const [minutes, count] of [
      [1, 2],
      [1, 2],
      [1.1, 3],
      [3, 3],
      [1.1, 4],
    ] as const) {
      running.ahead += minutes * 60_000 + 1000
      await looks(running)
      expect(asked("ListTasks")).toBe(count)
    }
    expect(running.problems[0]).toMatch(/ecs:ListTasks: AWS throttles the requests of this account/)
    expect(running.groups).toHaveLength(1)
    free()
    aws.ecs.tasks = []
    running.ahead += 900_000
    await until(() => running.mended === 1)
    expect(running.last).toEqual([])
  })
})

describe("beside the ECS agent", () => {
  test("only new tasks are asked about, each once; no list is asked for", async () => {
    aws.ecs.definitions.set(
      ...apiDefinition("ui", [{ environment: [{ name: "APPMESH_RESOURCE_ARN", value: RESOURCE }] }]),
    )
    aws.ecs.tasks = [apiTask(1), apiTask(2)]
    agent.tasks = [task(1, [application(11), container(12)])]
    const running = beside()
    await until(() => running.groups.length > 0)
    expect(running.last).toMatchObject([
      { admin: { host: "10.0.1.12" }, hint: { nodeId: RESOURCE }, labels: { service: "ui", revision: "4" } },
    ])
    agent.tasks = [...agent.tasks, task(2, [container(13)])]
    await until(() => running.groups.length > 1)
    await looks(running)
    expect(calls()).toEqual([0, 2, 1])
    expect(running.problems).toEqual([])
  })

  test.each(["throttle", "drop"] as const)(
    "%s: what the ECS agent tells is told all the same",
    async (kind) => {
      aws.ecs.tasks = [apiTask(1)]
      agent.tasks = [task(1, [container(12)])]
      const free = aws.fail("ecs:*", { kind })
      const running = beside()
      await until(() => running.groups.length > 0)
      expect(admins(running.last)).toEqual([[`${taskId(1)}/envoy`, "10.0.1.12:9901"]])
      await looks(running)
      expect(asked("DescribeTasks")).toBe(1)
      expect(running.mended).toBe(0)
      expect(running.problems[0]).toContain("The ECS API gives no answer to ecs:DescribeTasks")
      free()
      running.ahead += 121_000
      await until(() => running.mended === 1)
      expect(running.last[0]?.labels).toMatchObject({ service: "ui" })
    },
  )

  test("a role that may not read definitions is told which action it lacks; the rest is known", async () => {
    aws.ecs.tasks = [apiTask(1)]
    agent.tasks = [task(1, [container(12)])]
    const denied = {
      kind: "error",
      status: 400,
      code: "AccessDeniedException",
      message: "not authorized",
    } as const
    aws.fail("ecs:DescribeTaskDefinition", denied)
    const running = beside()
    await until(() => running.groups.length > 0)
    expect(running.last[0]?.labels).toMatchObject({ service: "ui" })
    await looks(running)
    expect(asked("DescribeTaskDefinition")).toBe(1)
    expect(running.problems[0]).toBe(
      "The ECS API gives no answer to ecs:DescribeTaskDefinition: The AWS credentials do not allow this: add the action to the role's policy (AccessDeniedException: not authorized).",
    )
  })

  test("a task that the API does not know yet is asked for again, and not at once", async () => {
    agent.tasks = [task(1, [container(12)])]
    const running = beside()
    await until(() => running.groups.length > 0)
    await looks(running)
    expect(asked("DescribeTasks")).toBe(1)
    aws.ecs.tasks = [apiTask(1)]
    running.ahead += 61_000
    await until(() => running.last[0]?.labels?.["service"] === "ui")
    expect(asked("DescribeTasks")).toBe(2)
    expect(running.problems).toEqual([])
  })
})

test("nobody to be at AWS: the ECS agent's tasks are told, and what is missing", async () => {
  vi.stubEnv("AWS_ACCESS_KEY_ID", undefined)
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", undefined)
  agent.tasks = [task(1, [container(12)])]
  const running = run({ introspection: agent.url, api: { interval: 60_000 } })
  await until(() => running.groups.length > 0)
  expect(running.last).toHaveLength(1)
  expect(running.problems[0]).toContain("No AWS credentials are found")
  expect(aws.requests).toEqual([])
})
