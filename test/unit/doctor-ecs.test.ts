import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import type { Check } from "#mesh/doctor-report.ts"
import { runProgram } from "../../cli/program.ts"
import { stubBareEnvironment } from "../fake/aws/bare-environment.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"
import { type FakeEcsAgent, fakeEcsAgent } from "../fake/ecs/agent.ts"
import { apiDefinition, apiTask, INSTANCE } from "../fake/ecs/api-shapes.ts"
import { fakeDocker } from "../fake/ecs/docker.ts"
import { application, dockerId, task, taskArn } from "../fake/ecs/shapes.ts"
import { keptTerminal } from "./cli-terminal.ts"

let aws: FakeAws
let agent: FakeEcsAgent
let folder: string
const undo: (() => Promise<unknown>)[] = []

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "doctor-ecs-"))
  aws = await startFakeAws()
  agent = await fakeEcsAgent()
  undo.push(
    () => rm(folder, { recursive: true, force: true }),
    () => aws.stop(),
    () => agent.close(),
  )
  stubBareEnvironment()
  for (const [name, value] of Object.entries(aws.env)) vi.stubEnv(name, value)
  aws.ecs.tasks = [apiTask(1)]
  aws.ecs.definitions.set(...apiDefinition("ui", [{}]))
  agent.tasks = [task(1, [application(11)])]
})
afterEach(async () => {
  for (const step of undo.splice(0).toReversed()) await step()
  vi.unstubAllEnvs()
})

/** What `meshscope doctor` says of ECS, and of discovery on it. */
async function examined(ecs: object): Promise<readonly Check[]> {
  const file = join(folder, "agent.yaml")
  const config = {
    agent: { id: "n1", state: folder },
    discover: { ecs },
    publish: { prometheus: { listen: "127.0.0.1:0" } },
  }
  await writeFile(file, JSON.stringify(config))
  const { terminal, written } = keptTerminal({ env: {} })
  await runProgram(["doctor", "--json", "-c", file], terminal)
  const { checks }: { checks: Check[] } = JSON.parse(written.out)
  return checks.filter(({ area, subject }) => area === "ecs" || subject === "discover.ecs")
}
const told = (checks: readonly Check[]): string[] =>
  checks.map(({ subject, state, sentence }) => `${state} ${subject}: ${sentence}`)

test("what can be asked, each with what it tells", async () => {
  const docker = await fakeDocker(join(folder, "docker.sock"))
  undo.push(() => docker.close())
  docker.containers.set(dockerId(11), {})
  await mkdir(join(folder, "sc/relay"), { recursive: true })
  await mkdir(join(folder, "sc/0001"))
  agent.own = { Cluster: "yelb", TaskARN: taskArn(1), Family: "ui", Revision: "1", Containers: [] }
  const checks = await examined({
    introspection: agent.url,
    docker: { socket: join(folder, "docker.sock") },
    task: { metadata: `${agent.url}/v4/0123` },
    api: {},
    serviceConnect: { root: join(folder, "sc") },
  })
  expect(told(checks)).toEqual([
    "ok discover.ecs.introspection: The ECS agent of cluster yelb tells of 1 running task.",
    `ok discover.ecs.docker: Docker at ${folder}/docker.sock tells of 1 container.`,
    "ok discover.ecs.task: This is a task of ui in cluster yelb.",
    "ok ecs:DescribeTasks: The role may call it, and AWS answers.",
    "ok ecs:DescribeTaskDefinition: The role may call it, and AWS answers.",
    `ok discover.ecs.serviceConnect.root: ${folder}/sc has folders of 1 task.`,
  ])
})

test("what cannot, each with what to do, once", async () => {
  await agent.close()
  const checks = await examined({
    introspection: agent.url,
    docker: { socket: join(folder, "docker.sock") },
    serviceConnect: { root: join(folder, "sc") },
  })
  expect(told(checks)).toEqual([
    `missing discover.ecs.introspection: The ECS agent at ${agent.url} cannot be read: nobody listens there.`,
    `missing discover.ecs.docker: Docker at ${folder}/docker.sock cannot be read: there is no such socket.`,
    `warning discover.ecs.serviceConnect.root: ${folder}/sc cannot be read: it does not exist.`,
  ])
  expect(checks[0]?.todo).toContain("Run the agent in host networking.")
  expect(checks[1]?.todo).toContain("Mount the socket and run as root")
  expect(checks[2]?.todo).toContain("mount the folder of the instance there")
})

test.each(["ListTasks", "DescribeTasks", "DescribeTaskDefinition"] as const)(
  "the role lacks ecs:%s: that is said, with what gives it",
  async (action) => {
    const denied = { kind: "error", status: 400, code: "AccessDeniedException", message: "no" } as const
    aws.fail(`ecs:${action}`, denied)
    const place = { cluster: "yelb", containerInstance: INSTANCE }
    const checks = await examined({ api: place })
    const missing = checks.filter(({ subject, state }) => state === "missing" && subject !== "discover.ecs")
    expect(missing).toHaveLength(1)
    expect(missing[0]).toMatchObject({ subject: `ecs:${action}` })
    expect(missing[0]?.sentence).toContain("The AWS credentials do not allow this")
    expect(missing[0]?.todo).toMatch(
      new RegExp(`^Allow ecs:${action} to the task's role, .*: docs/ecs\\.md\\.$`),
    )
    // For one task: the list is not read to its end.
    expect(aws.requests.filter(({ api }) => api === "ecs:ListTasks").length).toBeLessThanOrEqual(2)
  },
)

test("the own instance is looked for by the own task", async () => {
  agent.own = { Cluster: "yelb", TaskARN: taskArn(1), Family: "ui", Revision: "1", Containers: [] }
  const metadata = `${agent.url}/v4/0123`
  expect(told(await examined({ api: { metadata } }))).toEqual([
    `ok discover.ecs.api: The agent's container instance is ${INSTANCE}.`,
    "ok ecs:ListTasks: The role may call it, and AWS answers.",
    "ok ecs:DescribeTasks: The role may call it, and AWS answers.",
    "ok ecs:DescribeTaskDefinition: The role may call it, and AWS answers.",
  ])
  agent.own = undefined
  const [check, ...others] = await examined({ api: { metadata } })
  expect(others).toEqual([])
  expect(check).toMatchObject({ state: "missing", subject: "discover.ecs.api" })
  expect(check?.todo).toContain("ECS_CONTAINER_METADATA_URI_V4")
})

test("what is no folder is missing", async () => {
  const root = join(folder, "sc")
  await writeFile(root, "")
  const checks = await examined({ introspection: agent.url, serviceConnect: { root } })
  expect(told(checks)[1]).toBe(
    `missing discover.ecs.serviceConnect.root: ${root} cannot be read: a part of its path is a file, not a folder.`,
  )
})
