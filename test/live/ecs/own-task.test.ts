import { mkdtemp, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Agent } from "../../../agent/start.ts"
import { type FakeEcsAgent, fakeEcsAgent } from "../../fake/ecs/agent.ts"
import { application, container, dockerId, taskArn, taskId } from "../../fake/ecs/shapes.ts"
import { exposed } from "../rig/exposed.ts"
import { freePort } from "../rig/free-port.ts"
import { startAgentHere } from "../rig/here.ts"
import { type Application, call, startApplication } from "./application.ts"
import { type RunningEnvoy, startEnvoy } from "./envoy.ts"
import { until } from "./until.ts"

/** A task on Fargate: the agent beside a real Envoy on the task's loopback, and the metadata endpoint, version 4. */
const PROXY = `${taskId(9)}/envoy`
let folder: string
let metadata: FakeEcsAgent
let own: Application
let app: Application
let envoy: RunningEnvoy
let agent: Agent

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "fargate-"))
  own = await startApplication()
  app = await startApplication()
  // After those that listen at whatever port is free.
  const adminPort = await freePort()
  // The container's name is that of its folder on the volume that it shares with the agent.
  envoy = await startEnvoy({
    folder: join(folder, "volume/envoy"),
    admin: { kind: "tcp", host: "127.0.0.1", port: adminPort },
    nodeId: "arn:aws:appmesh:eu-west-1:111122223333:mesh/yelb/virtualNode/ui",
    tags: {},
    ownPort: own.port,
    appPort: app.port,
  })
  metadata = await fakeEcsAgent()
  metadata.own = ownTask()
  agent = await startAgentHere({
    runDir: folder,
    modelFile: "",
    targetsFile: "",
    changes: {
      discover: {
        ecs: {
          interval: "1s",
          adminPort,
          task: { metadata: `${metadata.url}/v4/0123` },
          logs: { from: "shared-volume", file: join(folder, "volume/{container_name}/stdout.log") },
        },
      },
      model: { files: [] },
    },
  })
  await until("the proxy answers", () => Object.values(told("proxyUp", ["proxy"]))[0] === 1)
})
afterAll(async () => {
  await agent?.stop()
  await envoy?.process.stop()
  await app?.stop()
  await own?.stop()
  await metadata?.close()
  await rm(folder, { recursive: true, force: true })
})

/** As on Fargate: every container of the task at the same address of its network interface. */
function ownTask(): Readonly<Record<string, unknown>> {
  const Networks = [
    {
      NetworkMode: "awsvpc",
      IPv4Addresses: ["10.0.0.7"],
      IPv4SubnetCIDRBlock: "10.0.0.0/24",
      PrivateDNSName: "ip-10-0-0-7.eu-west-1.compute.internal",
    },
  ]
  return {
    Cluster: "arn:aws:ecs:eu-west-1:111122223333:cluster/yelb",
    TaskARN: taskArn(9),
    Family: "yelb-ui",
    Revision: "7",
    ServiceName: "ui",
    DesiredStatus: "RUNNING",
    KnownStatus: "RUNNING",
    LaunchType: "FARGATE",
    Containers: [
      { ...container(12), LogDriver: "awslogs", Labels: {}, Networks },
      { ...application(13), Networks },
      { ...container(14, { Name: "meshscope-agent", Image: "own/meshscope:1" }), Networks },
    ],
  }
}

function told(
  metric: Parameters<typeof exposed>[1],
  names: readonly string[],
): Readonly<Record<string, number>> {
  agent.pipeline.commit()
  return exposed(agent.pipeline.ledger.snapshot, metric, names)
}
const requests = () => told("requests", ["reporter", "source", "virtual_node", "outcome"])
const sum = (): number => Object.values(requests()).reduce((all, one) => all + one, 0)

test("the Envoy beside it is found on loopback; the task says where it is, Envoy who it is", () => {
  const [proxy, ...others] = agent.pipeline.proxies
  expect(others).toEqual([])
  expect(proxy?.identity).toMatchObject({ proxy: PROXY, flavor: "app-mesh", mesh: "yelb", resource: "ui" })
  expect(proxy?.target.admin).toMatchObject({ kind: "tcp", host: "127.0.0.1" })
  expect(proxy?.target.labels).toEqual({
    cluster: "yelb",
    task_arn: taskArn(9),
    task_id: taskId(9),
    family: "yelb-ui",
    revision: "7",
    service: "ui",
    container_name: "envoy",
    container_id: dockerId(12),
  })
  expect(new Set(metadata.asked)).toEqual(new Set(["GET /v4/0123/task"]))
})

test("its lines are read from the volume, and every request counts once", async () => {
  await call(envoy.egressPort, [200, 200, 404, 503])
  await call(envoy.ingressPort, [200, 500])
  await until("six requests", () => sum() >= 6)
  expect(requests()).toEqual({
    "reporter=source source=ui virtual_node=app outcome=ok": 2,
    "reporter=source source=ui virtual_node=app outcome=client_error": 1,
    "reporter=source source=ui virtual_node=app outcome=error": 1,
    "reporter=destination virtual_node=ui outcome=ok": 1,
    "reporter=destination virtual_node=ui outcome=error": 1,
  })
  expect(Object.keys(told("proxyInfo", ["provenance"]))).toEqual(["provenance=log"])
})

test("metadata that say nonsense, or nothing any more, take nothing away", async () => {
  metadata.manner = "garbage"
  const before = metadata.asked.length
  await until("two more looks", () => metadata.asked.length >= before + 2)
  await metadata.close()
  const counted = sum()
  await call(envoy.egressPort, [200, 200, 200])
  await until("it goes on counting", () => sum() === counted + 3)
  expect(told("proxyUp", ["proxy"])).toEqual({ [`proxy=${PROXY}`]: 1 })
})
