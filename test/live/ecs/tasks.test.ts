import { once } from "node:events"
import { mkdtemp, rm } from "node:fs/promises"
import { createServer, request } from "node:http"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Agent } from "../../../agent/start.ts"
import { type FakeEcsAgent, fakeEcsAgent } from "../../fake/ecs/agent.ts"
import { type FakeDocker, fakeDocker } from "../../fake/ecs/docker.ts"
import { application, container, dockerId, task, taskId } from "../../fake/ecs/shapes.ts"
import { exposed } from "../rig/exposed.ts"
import { freePort } from "../rig/free-port.ts"
import { startAgentHere } from "../rig/here.ts"
import { type Application, call, startApplication } from "./application.ts"
import { type DockerDriver, startDockerDriver } from "./docker-driver.ts"
import { type RunningEnvoy, startEnvoy } from "./envoy.ts"
import { until } from "./until.ts"

/**
 * Two tasks in awsvpc networking, each with an address of its own: the Envoy of one lets its admin interface be read and
 * writes to Docker's json-file driver; of the other nothing but Envoy's page for Prometheus can be reached, and its labels
 * say where.
 */
const OPEN = "127.0.0.1"
const CLOSED = "127.0.0.2"
const NAMES = ["reporter", "source", "virtual_node", "outcome"]
let folder: string
let ecs: FakeEcsAgent
let docker: FakeDocker
let own: Application
let app: Application
let open: RunningEnvoy
let closed: RunningEnvoy
let driver: DockerDriver
let agent: Agent
const asked: string[] = []
const page = createServer(({ url = "", method }, answer) => {
  asked.push(`${method} ${url}`)
  if (method !== "GET" || url !== "/stats/prometheus?usedonly") {
    answer.writeHead(404).end()
    return
  }
  const inner = request({ socketPath: join(folder, "closed.sock"), path: url }, (stats) => {
    answer.writeHead(stats.statusCode ?? 500)
    stats.pipe(answer)
  })
  inner.on("error", () => answer.writeHead(503).end())
  inner.end()
})

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "ecs-"))
  const adminPort = await freePort()
  const pagePort = await freePort()
  own = await startApplication()
  app = await startApplication()
  open = await startEnvoy({
    folder: join(folder, "open"),
    admin: { kind: "tcp", host: OPEN, port: adminPort },
    nodeId: "arn:aws:appmesh:eu-west-1:111122223333:mesh/yelb/virtualNode/ui",
    tags: {},
    ownPort: own.port,
    appPort: app.port,
  })
  closed = await startEnvoy({
    folder: join(folder, "closed"),
    admin: { kind: "unix", path: join(folder, "closed.sock") },
    nodeId: "mesh/yelb/virtualNode/ui",
    tags: { appmesh_mesh: "yelb", appmesh_virtual_node: "web" },
    ownPort: own.port,
    appPort: app.port,
  })
  page.listen(pagePort, CLOSED)
  await once(page, "listening")
  ecs = await fakeEcsAgent()
  ecs.tasks = [
    task(1, [application(11), container(12, { Networks: networkAt(OPEN) })]),
    task(2, [
      application(21),
      container(22, { Networks: networkAt(CLOSED), Name: "proxy", Image: "own/proxy:3" }),
    ]),
  ]
  docker = await fakeDocker(join(folder, "docker.sock"))
  const root = join(folder, "containers")
  const logPath = join(root, dockerId(12), `${dockerId(12)}-json.log`)
  docker.containers.set(dockerId(12), { logPath })
  docker.containers.set(dockerId(22), {
    labels: {
      ECS_PROMETHEUS_EXPORTER_PORT: String(pagePort),
      ECS_PROMETHEUS_METRICS_PATH: "/stats/prometheus",
    },
  })
  driver = await startDockerDriver(open.log, logPath)
  agent = await startAgentHere({
    runDir: folder,
    modelFile: "",
    targetsFile: "",
    changes: {
      discover: {
        ecs: {
          interval: "1s",
          introspection: ecs.url,
          adminPort,
          docker: { socket: join(folder, "docker.sock") },
          logs: { from: "json-file", root },
        },
      },
      model: { files: [] },
    },
  })
  await until("both answer", () => Object.keys(told("proxyUp", ["proxy"])).length === 2)
})
afterAll(async () => {
  await agent?.stop()
  await driver?.stop()
  await open?.process.stop()
  await closed?.process.stop()
  page.closeAllConnections()
  page.close()
  await docker?.close()
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

/** Of one node, as caller and as callee. */
function requestsOf(node: string): Readonly<Record<string, number>> {
  const wanted = new RegExp(`source=${node} |=destination virtual_node=${node} `)
  return Object.fromEntries(Object.entries(told("requests", NAMES)).filter(([key]) => wanted.test(key)))
}

const networkAt = (address: string) => [{ NetworkMode: "awsvpc", IPv4Addresses: [address] }]
const proxyOf = (name: string) => [...agent.pipeline.proxies].find(({ target }) => target.name === name)

test("an Envoy whose admin interface can be read tells who it is; its lines come from Docker's driver", async () => {
  const proxy = proxyOf(`${taskId(1)}/envoy`)
  expect(proxy?.identity).toMatchObject({ flavor: "app-mesh", mesh: "yelb", role: "sidecar", resource: "ui" })
  expect(proxy?.target.labels).toMatchObject({
    task_id: taskId(1),
    container_id: dockerId(12),
    cluster: "yelb",
  })
  expect(proxy?.missing).not.toContain("config")
  await call(open.egressPort, [200, 200, 200, 404, 503])
  await call(open.ingressPort, [200, 500])
  await until("seven requests", () => Object.values(requestsOf("ui")).reduce((all, one) => all + one, 0) >= 7)
  expect(requestsOf("ui")).toEqual({
    "reporter=source source=ui virtual_node=app outcome=ok": 3,
    "reporter=source source=ui virtual_node=app outcome=client_error": 1,
    "reporter=source source=ui virtual_node=app outcome=error": 1,
    "reporter=destination virtual_node=ui outcome=ok": 1,
    "reporter=destination virtual_node=ui outcome=error": 1,
  })
})

test("of a page alone the labels say who it is, and clusters' names where requests went", async () => {
  const proxy = proxyOf(`${taskId(2)}/proxy`)
  expect(proxy?.identity).toMatchObject({
    flavor: "app-mesh",
    mesh: "yelb",
    role: "sidecar",
    resource: "web",
  })
  expect(proxy?.missing).toEqual(["config", "hosts", "declared_model"])
  await call(closed.egressPort, [200, 200, 200, 200, 404, 503, 503])
  await call(closed.ingressPort, [200, 500])
  await until("nine requests", () => Object.values(requestsOf("web")).reduce((all, one) => all + one, 0) >= 9)
  expect(requestsOf("web")).toEqual({
    "reporter=source source=web virtual_node=app outcome=ok": 4,
    "reporter=source source=web virtual_node=app outcome=client_error": 1,
    "reporter=source source=web virtual_node=app outcome=error": 2,
    "reporter=destination virtual_node=web outcome=ok": 1,
    "reporter=destination virtual_node=web outcome=error": 1,
  })
  expect(new Set(asked)).toEqual(new Set(["GET /stats/prometheus?usedonly"]))
})

test("an ECS agent that answers garbage, or is gone, takes no proxy away", async () => {
  ecs.manner = "garbage"
  const before = ecs.asked.length
  await until("three more looks", () => ecs.asked.length >= before + 3)
  await ecs.close()
  const sum = (): number => Object.values(told("requests", NAMES)).reduce((all, one) => all + one, 0)
  const counted = sum()
  await call(closed.egressPort, [200, 200])
  await until("what is sent goes on being counted", () => sum() === counted + 2)
  expect(told("proxyUp", ["proxy"])).toEqual({
    [`proxy=${taskId(1)}/envoy`]: 1,
    [`proxy=${taskId(2)}/proxy`]: 1,
  })
})
