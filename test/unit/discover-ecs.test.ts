import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { createServer } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import type { EcsDiscoveryConfig } from "../../agent/discover/ecs/config.ts"
import { ecsDiscovery } from "../../agent/discover/ecs/discovery.ts"
import { type FakeEcsAgent, fakeEcsAgent } from "../fake/ecs/agent.ts"
import { type FakeDocker, fakeDocker } from "../fake/ecs/docker.ts"
import { application, container, dockerId, task, taskArn, taskId } from "../fake/ecs/shapes.ts"

let agent: FakeEcsAgent
let folder: string
const undo: (() => Promise<void>)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "ecs-"))
  agent = await fakeEcsAgent()
  undo.push(
    () => rm(folder, { recursive: true, force: true }),
    () => agent.close(),
  )
})
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
})

const ENVOYS = {
  images: ["aws-appmesh-envoy", "envoy"],
  containers: ["envoy"],
  adminPort: 9901,
  host: "127.0.0.1",
}

interface Running {
  readonly groups: (readonly ProxyTarget[])[]
  readonly problems: string[]
  mended: number
  /** Resolves when that many groups have come. */
  group(count: number): Promise<readonly ProxyTarget[]>
}

function run(config: Partial<EcsDiscoveryConfig> = {}): Running {
  const end = new AbortController()
  const waiting: (() => void)[] = []
  const running: Running = {
    groups: [],
    problems: [],
    mended: 0,
    async group(count) {
      while (running.groups.length < count) await new Promise<void>((resolve) => waiting.push(resolve))
      return running.groups[count - 1] ?? []
    },
  }
  const whole = {
    interval: 20,
    timeout: 5000,
    introspection: agent.url,
    ...ENVOYS,
    logs: { from: "none" },
    ...config,
  } as const
  const ended = ecsDiscovery(whole, {
    clock: systemClock,
    report: ({ message }) => running.problems.push(message),
    mended: () => {
      running.mended += 1
    },
  }).run((targets) => {
    running.groups.push(targets)
    for (const go of waiting.splice(0)) go()
  }, end.signal)
  undo.push(async () => {
    end.abort()
    await ended
  })
  return running
}

async function until(met: () => boolean): Promise<void> {
  while (!met()) await systemClock.sleep(5)
}

const admins = (targets: readonly ProxyTarget[]): unknown[] =>
  targets.map(({ name, admin }) => [name, admin.kind === "tcp" ? `${admin.host}:${admin.port}` : admin.path])

describe("which containers are Envoys, and where", () => {
  test("by name or image, in running tasks: the task's own address, a mapped port, the bridge, the host", async () => {
    const mapped = [{ ContainerPort: 9901, Protocol: "tcp", HostPort: 32768, HostIp: "0.0.0.0" }]
    const bridge = [{ NetworkMode: "bridge", IPv4Addresses: ["172.17.0.5"] }]
    agent.tasks = [
      task(1, [application(11), container(12)]),
      task(2, [container(13, { Ports: mapped, Networks: bridge })]),
      task(3, [container(14, { Networks: bridge, Name: "proxy", Image: "envoyproxy/envoy:v1.36.4" })]),
      task(4, [container(15, { Networks: [{ NetworkMode: "host", IPv4Addresses: [""] }] })]),
      task(5, [container(16)], { KnownStatus: "STOPPED" }),
      task(6, [container(17, { Networks: [] })]),
      task(7, [], { Containers: null }),
    ]
    const targets = await run().group(1)
    expect(admins(targets)).toEqual([
      [`${taskId(1)}/envoy`, "10.0.1.12:9901"],
      [`${taskId(2)}/envoy`, "127.0.0.1:32768"],
      [`${taskId(3)}/proxy`, "172.17.0.5:9901"],
      [`${taskId(4)}/envoy`, "127.0.0.1:9901"],
    ])
    expect(targets[0]).toEqual({
      name: `${taskId(1)}/envoy`,
      admin: { kind: "tcp", host: "10.0.1.12", port: 9901 },
      logs: [],
      gaps: ["log"],
      labels: {
        cluster: "yelb",
        task_arn: taskArn(1),
        task_id: taskId(1),
        family: "yelb-ui",
        revision: "4",
        container_name: "envoy",
        container_id: dockerId(12),
      },
    })
    expect(agent.asked.slice(0, 2)).toEqual(["GET /v1/metadata", "GET /v1/tasks"])
  })

  test("two Envoys at one address of the host: the first one stays, and somebody is told", async () => {
    const host = { Networks: [{ NetworkMode: "host", IPv4Addresses: [] }] }
    agent.tasks = [task(1, [container(1, host)]), task(2, [container(2, host)])]
    const running = run()
    expect(admins(await running.group(1))).toEqual([[`${taskId(1)}/envoy`, "127.0.0.1:9901"]])
    expect(running.problems[0]).toContain("have the same admin address 127.0.0.1:9901")
  })

  test("a changed set is a new group, the same one is not", async () => {
    agent.tasks = [task(1, [container(1)])]
    const running = run()
    await running.group(1)
    const asked = agent.asked.length
    await until(() => agent.asked.length >= asked + 6)
    expect(running.groups).toHaveLength(1)
    agent.tasks = null
    expect(await running.group(2)).toEqual([])
  })
})

const logsOf = async (logs: EcsDiscoveryConfig["logs"]): Promise<unknown> => {
  agent.tasks = [task(1, [container(12)])]
  const [target] = await run({ logs }).group(1)
  return { logs: target?.logs, sent: target?.sent, gaps: target?.gaps }
}

describe("where lines are", () => {
  test.each<[EcsDiscoveryConfig["logs"], object]>([
    [{ from: "none" }, { logs: [], sent: undefined, gaps: ["log"] }],
    [{ from: "forward" }, { logs: [], sent: true, gaps: undefined }],
    [
      { from: "json-file", root: "/var/lib/docker/containers" },
      {
        logs: [`/var/lib/docker/containers/${dockerId(12)}/${dockerId(12)}-json.log`],
        sent: undefined,
        gaps: undefined,
      },
    ],
    [
      { from: "log-driver-volume", root: "/logs" },
      { logs: [`/logs/${dockerId(12)}/${dockerId(12)}-json.log`], sent: undefined, gaps: undefined },
    ],
    [
      { from: "shared-volume", file: "/mnt/{task_id}/{container_name}.log" },
      { logs: [`/mnt/${taskId(1)}/envoy.log`], sent: undefined, gaps: undefined },
    ],
  ])("%j", async (logs, expected) => {
    expect(await logsOf(logs)).toEqual(expected)
  })
})

describe("what answers is not the ECS agent", () => {
  test.each([
    ["a page", "garbage", "answers /v1/metadata with something else than JSON"],
    [
      "a task of a strange name",
      { tasks: '{"Tasks":[{"Arn":"arn:aws:ecs:eu-west-1:1:task/../../etc"}]}' },
      "cannot be understood",
    ],
    ["another shape", { tasks: '{"Tasks":{"__proto__":[]}}' }, "cannot be understood"],
    ["too much", { tasks: `"${"x".repeat(17 * 1024 ** 2)}"` }, "with more than"],
  ] as const)("%s: the last set stays, and the failure is told", async (_, manner, sentence) => {
    agent.tasks = [task(1, [container(1)])]
    const running = run()
    await running.group(1)
    agent.manner = manner
    await until(() => running.problems.length >= 2)
    expect(running.problems[0]).toContain(sentence)
    expect(running.groups).toHaveLength(1)
    agent.manner = "true"
    agent.tasks = []
    expect(await running.group(2)).toEqual([])
    expect(running.mended).toBe(1)
  })

  test("it is slow", async () => {
    agent.tasks = [task(1, [container(1)])]
    const running = run({ timeout: 300 })
    await running.group(1)
    agent.manner = "slow"
    await until(() => running.problems.length > 0)
    expect(running.problems[0]).toContain("no whole answer to /v1/metadata within 300 ms")
    expect(running.groups).toHaveLength(1)
  })

  test("it is gone", async () => {
    agent.tasks = [task(1, [container(1)])]
    const running = run()
    await running.group(1)
    await agent.close()
    await until(() => running.problems.length > 0)
    expect(running.problems[0]).toContain("nobody listens there")
    expect(running.groups).toHaveLength(1)
    undo.push(() => Promise.resolve())
  })
})

const asking = (rest: Partial<EcsDiscoveryConfig> = {}): Running =>
  run({ docker: { socket: join(folder, "docker.sock") }, ...rest })

describe("Docker", () => {
  let docker: FakeDocker
  beforeEach(async () => {
    docker = await fakeDocker(join(folder, "docker.sock"))
    undo.push(() => docker.close())
  })
  test("tells resource, admin port and log file of an Envoy, once for each container", async () => {
    agent.tasks = [task(1, [application(11), container(12)])]
    const resource = "arn:aws:appmesh:eu-west-1:111122223333:mesh/yelb/virtualNode/yelb-ui"
    const env = [`APPMESH_RESOURCE_ARN=${resource}`, "ENVOY_ADMIN_ACCESS_PORT=9909", "ODD"]
    const logPath = `/var/lib/docker/containers/${dockerId(12)}/x-json.log`
    docker.containers.set(dockerId(12), { env, logPath })
    const running = asking({ logs: { from: "json-file", root: "/var/lib/docker/containers" } })
    const [target] = await running.group(1)
    expect(target).toMatchObject({
      admin: { kind: "tcp", host: "10.0.1.12", port: 9909 },
      logs: [logPath],
      hint: { flavor: "app-mesh", nodeId: resource },
    })
    await until(() => docker.asked.length >= 5)
    expect(docker.asked.filter((path) => path !== "GET /containers/json")).toEqual([
      `GET /containers/${dockerId(12)}/json`,
    ])
  })

  test("labels of CloudWatch's discovery name a page of Envoy's: nothing but that page is asked for", async () => {
    agent.tasks = [
      task(1, [container(12, { Name: "mesh-proxy", Image: "registry.example/own:1" })]),
      task(2, [container(13, { Name: "app", Image: "registry.example/app:1" })]),
    ]
    const labels = { ECS_PROMETHEUS_EXPORTER_PORT: "15090", ECS_PROMETHEUS_METRICS_PATH: "/stats/prometheus" }
    docker.containers.set(dockerId(12), { labels })
    docker.containers.set(dockerId(13), { labels: { ECS_PROMETHEUS_EXPORTER_PORT: "9090" } })
    const targets = await asking().group(1)
    expect(targets).toMatchObject([
      {
        admin: { host: "10.0.1.12", port: 15090 },
        serves: { kind: "prometheus", path: "/stats/prometheus" },
      },
    ])
    expect(targets).toHaveLength(1)
  })

  test("somebody's labels and variables of any length harm nobody else's", async () => {
    agent.tasks = [task(1, [container(12)])]
    const resource = "mesh/shop/virtualNode/ui"
    const long = "x".repeat(100_000)
    docker.containers.set(dockerId(13), { labels: { long } })
    docker.containers.set(dockerId(12), { env: [`LONG=${long}`, `APPMESH_RESOURCE_ARN=${resource}`] })
    const [target] = await asking().group(1)
    expect(target?.hint).toMatchObject({ nodeId: resource })
  })

  test("a container that Docker does not know yet has no facts", async () => {
    agent.tasks = [task(1, [container(12)])]
    const [target] = await asking().group(1)
    expect(target).toMatchObject({ admin: { host: "10.0.1.12", port: 9901 } })
    expect(target?.hint).toBeUndefined()
    expect(docker.asked).toEqual(["GET /containers/json"])
  })

  test("that is gone fails the look, and the last set stays", async () => {
    agent.tasks = [task(1, [container(12)])]
    const running = asking()
    await running.group(1)
    await docker.close()
    await until(() => running.problems.length > 0)
    expect(running.problems[0]).toContain("there is no such socket")
    expect(running.groups).toHaveLength(1)
  })
})

async function socket(number: number | string): Promise<void> {
  const name = typeof number === "number" ? taskId(number) : number
  const path = join(folder, "run", name)
  await mkdir(path, { recursive: true })
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(join(path, "appnet_admin.sock"), resolve))
  undo.push(async () => {
    await new Promise((resolve) => server.close(resolve))
  })
}
const connect = (): Running =>
  run({ serviceConnect: { root: join(folder, "run"), logs: join(folder, "logs") } })

const of = (number: number, Name: string) => container(number, { Name, Image: "agent" })
const names = ["ecs-service-connect-GVQWC", "ecs-service-connect-AB2CD"]
const forwarding = (): Running =>
  run({
    serviceConnect: { root: join(folder, "run"), logs: join(folder, "logs") },
    logs: { from: "forward" },
  })

describe("Service Connect", () => {
  test("each task's socket, with its log where there is one, joined with what the ECS agent says; the relay is none", async () => {
    agent.tasks = [task(1, [application(11)])]
    await socket(1)
    await socket(2)
    await socket("relay")
    await mkdir(join(folder, "run", taskId(3)))
    await mkdir(join(folder, "logs", taskId(2)), { recursive: true })
    await writeFile(join(folder, "logs", taskId(2), "appnet_envoy.log"), "")
    const common = {
      serves: { kind: "service-connect" },
      hint: { flavor: "service-connect", role: "sidecar" },
    }
    expect(await connect().group(1)).toEqual([
      {
        ...common,
        name: `${taskId(1)}/service-connect`,
        admin: { kind: "unix", path: join(folder, "run", taskId(1), "appnet_admin.sock") },
        logs: [],
        gaps: ["config", "hosts", "log"],
        labels: {
          cluster: "yelb",
          task_arn: taskArn(1),
          task_id: taskId(1),
          family: "yelb-ui",
          revision: "4",
        },
      },
      {
        ...common,
        name: `${taskId(2)}/service-connect`,
        admin: { kind: "unix", path: join(folder, "run", taskId(2), "appnet_admin.sock") },
        logs: [join(folder, "logs", taskId(2), "appnet_envoy.log")],
        gaps: ["config", "hosts"],
        labels: { task_id: taskId(2) },
      },
    ])
  })

  test("output that is sent is known by the one container that ECS added to the task", async () => {
    const [Name = ""] = names
    agent.tasks = [task(1, [application(11), container(12, { Name, Image: "ecs-service-connect-agent" })])]
    await socket(1)
    const [target, ...others] = await forwarding().group(1)
    expect(others).toEqual([])
    expect(target).toMatchObject({
      name: `${taskId(1)}/service-connect`,
      sent: true,
      gaps: ["config", "hosts"],
      labels: { task_arn: taskArn(1), container_name: Name, container_id: dockerId(12) },
    })
  })

  test("where none or several may be that container, and where a file has it, nothing is joined", async () => {
    agent.tasks = [
      task(1, [application(11)]),
      task(
        2,
        names.map((name, at) => of(20 + at, name)),
      ),
      task(3, [of(31, names[0] ?? "")]),
    ]
    for (const number of [1, 2, 3]) await socket(number)
    await mkdir(join(folder, "logs", taskId(3)), { recursive: true })
    await writeFile(join(folder, "logs", taskId(3), "appnet_envoy.log"), "")
    const targets = await forwarding().group(1)
    expect(targets.map(({ sent, gaps }) => [sent, gaps])).toEqual([
      [undefined, ["config", "hosts", "log"]],
      [undefined, ["config", "hosts", "log"]],
      [undefined, ["config", "hosts"]],
    ])
  })

  test("no task has used it yet: there is no folder, and that is no failure", async () => {
    const running = connect()
    expect(await running.group(1)).toEqual([])
    expect(running.problems).toEqual([])
  })
})

test("in its own task the Envoy is on loopback, and the task says whose it is", async () => {
  agent.own = {
    Cluster: `arn:aws:ecs:eu-west-1:111122223333:cluster/yelb`,
    TaskARN: taskArn(9),
    Family: "yelb-ui",
    Revision: "7",
    ServiceName: "ui",
    LaunchType: "FARGATE",
    Containers: [
      {
        ...container(12),
        Labels: {},
        LogDriver: "awslogs",
        Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: ["10.0.0.7"] }],
      },
      { ...application(13), Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: ["10.0.0.7"] }] },
    ],
  }
  const targets = await run({
    introspection: undefined,
    task: { metadata: `${agent.url}/v4/0123` },
    logs: { from: "shared-volume", file: "/mesh/{container_name}.log" },
  }).group(1)
  expect(targets).toEqual([
    {
      name: `${taskId(9)}/envoy`,
      admin: { kind: "tcp", host: "127.0.0.1", port: 9901 },
      logs: ["/mesh/envoy.log"],
      labels: {
        cluster: "yelb",
        task_arn: taskArn(9),
        task_id: taskId(9),
        family: "yelb-ui",
        revision: "7",
        service: "ui",
        container_name: "envoy",
        container_id: dockerId(12),
      },
    },
  ])
  expect(agent.asked).toEqual(["GET /v4/0123/task"])
})
