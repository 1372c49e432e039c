import { mkdir, mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Agent } from "../../../agent/start.ts"
import { type FakeEcsAgent, fakeEcsAgent } from "../../fake/ecs/agent.ts"
import { application, task, taskId } from "../../fake/ecs/shapes.ts"
import { exposed } from "../rig/exposed.ts"
import { startAgentHere } from "../rig/here.ts"
import { type AgentApi, startAgentApi } from "./agent-api.ts"
import { type Application, call, startApplication } from "./application.ts"
import { type RunningEnvoy, startEnvoy } from "./envoy.ts"
import { until } from "./until.ts"

/**
 * A real Envoy behind the API of Service Connect's agent, on a Unix socket in the folder of its task, beside an ECS agent
 * that tells of the task. The extension's own series cannot be had without AWS's filter; its labels can.
 */
const PROXY = `${taskId(1)}/service-connect`
let folder: string
let ecs: FakeEcsAgent
let own: Application
let app: Application
let envoy: RunningEnvoy
let api: AgentApi
let relay: AgentApi
let agent: Agent

beforeAll(async () => {
  // A Unix socket's path must be short.
  folder = await mkdtemp(join(tmpdir(), "sc-"))
  const admin = join(folder, "envoy.sock")
  ecs = await fakeEcsAgent()
  ecs.tasks = [task(1, [application(11)], { Family: "yelb-ui" })]
  own = await startApplication()
  app = await startApplication()
  envoy = await startEnvoy({
    folder: join(folder, "envoy"),
    admin: { kind: "unix", path: admin },
    nodeId: "arn:aws:ecs:eu-west-1:111122223333:task-set/yelb/ui/ecs-svc/7712488895199846139",
    tags: { ClusterName: "yelb", ServiceName: "ui" },
    ownPort: own.port,
    appPort: app.port,
  })
  for (const name of [taskId(1), "relay"]) await mkdir(join(folder, "run", name), { recursive: true })
  api = await startAgentApi(join(folder, "run", taskId(1), "appnet_admin.sock"), admin)
  relay = await startAgentApi(join(folder, "run", "relay", "appnet_admin.sock"), admin)
  agent = await startAgentHere({
    runDir: folder,
    modelFile: "",
    targetsFile: "",
    changes: {
      discover: {
        ecs: {
          interval: "1s",
          introspection: ecs.url,
          serviceConnect: { root: join(folder, "run"), logs: join(folder, "logs") },
        },
      },
      model: { files: [] },
    },
  })
})
afterAll(async () => {
  await agent?.stop()
  await api?.stop()
  await relay?.stop()
  await envoy?.process.stop()
  await app?.stop()
  await own?.stop()
  await ecs?.close()
  await rm(folder, { recursive: true, force: true })
})

function told(
  metric: Parameters<typeof exposed>[1],
  names: readonly string[],
): Readonly<Record<string, number>> {
  agent.pipeline.commit()
  return exposed(agent.pipeline.ledger.snapshot, metric, names)
}

/** Undefined where no proxy is told of. */
function up(): number | undefined {
  agent.pipeline.commit()
  const { families, values } = agent.pipeline.ledger.snapshot
  const series = families.find(({ key }) => key === "proxyUp")?.series[0]
  return series === undefined ? undefined : values[series.slot]
}

test("it is found by its socket, named by its labels, and says what it does not give", async () => {
  await until("the proxy answers", () => up() === 1)
  const [proxy, ...others] = agent.pipeline.proxies
  expect(others).toEqual([])
  expect(proxy?.identity).toMatchObject({
    proxy: PROXY,
    flavor: "service-connect",
    mesh: "(unknown)",
    role: "sidecar",
    resource: "ui",
  })
  expect(proxy?.target.labels).toMatchObject({ cluster: "yelb", family: "yelb-ui", task_id: taskId(1) })
  expect(proxy?.missing).toEqual(["config", "hosts", "log", "declared_model"])
  expect(Object.keys(told("proxyInfo", ["virtual_node", "provenance"]))).toHaveLength(1)
  expect(told("proxyState", ["state"])).toEqual({ "state=live": 1 })
})

test("its page is read by the rules, beside the ECS agent, and its relay is left alone", async () => {
  await call(envoy.egressPort, [200, 200, 503])
  const before = api.answered.length
  await until("ten more looks", () => api.answered.length >= before + 10)
  expect(new Set(api.answered.map(({ path, status }) => `${status} ${path}`))).toEqual(
    new Set(["200 /stats/prometheus?usedonly"]),
  )
  expect(relay.answered).toEqual([])
  // Which of Envoy's own clusters leads to which service is not public.
  expect(told("requests", ["outcome"])).toEqual({})
})

test("where others use all that may be asked, it waits, and comes back", async () => {
  const refused = (): number => api.answered.filter(({ status }) => status === 429).length
  api.exhaust()
  await until("a refusal", () => refused() > 0)
  await until("the proxy is told not to answer", () => up() === 0)
  expect(told("proxyProblem", ["page", "reason"])).toEqual({ "page=stats reason=busy": 1 })
  const asked = api.answered.length
  await until("it answers again", () => up() === 1)
  expect(refused()).toBe(1)
  expect(api.answered.length - asked).toBeLessThan(4)
})

test("an Envoy that is gone is one that does not answer; with its folder it leaves", async () => {
  await envoy.process.stop()
  await until("it is told not to answer", () => up() === 0)
  expect(told("proxyProblem", ["page", "reason"])).toEqual({ "page=stats reason=bad_answer": 1 })
  await api.stop()
  await rm(join(folder, "run", taskId(1)), { recursive: true })
  await until("it left", () => [...agent.pipeline.proxies].length === 0)
  expect(up()).toBeUndefined()
})
