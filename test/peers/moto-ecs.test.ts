import { CreateClusterCommand, ECSClient, RegisterTaskDefinitionCommand } from "@aws-sdk/client-ecs"
import { afterAll, afterEach, beforeAll, expect, test, vi } from "vitest"
import { describedTasks, listedTasks } from "../../agent/discover/ecs/api/answers.ts"
import { definedFacts, definitionOf } from "../../agent/discover/ecs/api/definition.ts"
import { makeEcsCalls } from "../../agent/ecs-calls.ts"
import { stubBareEnvironment } from "../fake/aws/bare-environment.ts"
import { startMoto } from "./moto-server.ts"
import type { PeerServer } from "./server.ts"

/** moto's ECS as a second opinion on the wire form of the three calls. It needs instances of EC2 to run a task. */
let moto: PeerServer
beforeAll(async () => {
  moto = await startMoto()
})
afterEach(() => {
  vi.unstubAllEnvs()
})
afterAll(() => moto?.stop())

test("a task definition, an empty list, and a task that is missing", async () => {
  const credentials = { accessKeyId: "a", secretAccessKey: "b" }
  const client = new ECSClient({ endpoint: moto.url, region: "eu-west-1", credentials })
  await client.send(new CreateClusterCommand({ clusterName: "yelb" }))
  const name = "APPMESH_RESOURCE_ARN"
  const { taskDefinition } = await client.send(
    new RegisterTaskDefinitionCommand({
      family: "ui",
      networkMode: "awsvpc",
      containerDefinitions: [
        {
          name: "envoy",
          image: "envoy",
          memory: 64,
          environment: [{ name, value: "mesh/yelb/virtualNode/ui" }],
          dockerLabels: { "meshscope.dev/admin": "9902" },
          logConfiguration: { logDriver: "awslogs" },
        },
      ],
    }),
  )
  client.destroy()
  stubBareEnvironment()
  vi.stubEnv("AWS_ENDPOINT_URL", moto.url)
  vi.stubEnv("AWS_REGION", "eu-west-1")
  vi.stubEnv("AWS_ACCESS_KEY_ID", "a")
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", "b")
  const calls = makeEcsCalls(5000)
  const { signal } = new AbortController()
  const arn = taskDefinition?.taskDefinitionArn ?? ""
  const definition = definitionOf(await calls.describeTaskDefinition({ taskDefinition: arn }, signal))
  expect(definition.networkMode).toBe("awsvpc")
  expect(definedFacts(definition, "envoy", new Map())).toMatchObject({
    hint: { nodeId: "mesh/yelb/virtualNode/ui" },
    adminPort: 9902,
    driver: "awslogs",
  })
  const place = { cluster: "yelb", containerInstance: "f9cc75bb0c944ab1a56a9d55ce4ee6ac" }
  expect(listedTasks(await calls.listTasks({ ...place, maxResults: 1 }, signal)).taskArns).toEqual([])
  const tasks = [arn.replace("task-definition/ui:1", "task/yelb/0cc43cdb3bee44079c26c0e6ea5bee84")]
  expect(describedTasks(await calls.describeTasks({ cluster: "yelb", tasks }, signal))).toEqual([])
  await expect(calls.describeTasks({ cluster: "none", tasks }, signal)).rejects.toThrow(
    /ecs:DescribeTasks: .*ClusterNotFoundException/,
  )
  await calls.stop()
})
