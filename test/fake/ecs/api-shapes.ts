import type { StoredContainer, StoredDefinition, StoredTask } from "../aws/ecs/store.ts"
import { CLUSTER } from "./agent.ts"
import { dockerId, taskArn } from "./shapes.ts"

/** Tasks and definitions as the ECS API tells of them, from a small number. */
const ACCOUNT = "arn:aws:ecs:eu-west-1:111122223333"
export const INSTANCE = `${ACCOUNT}:container-instance/${CLUSTER}/f9cc75bb0c944ab1a56a9d55ce4ee6ac`

export const definitionArn = (family: string, revision = 1): string =>
  `${ACCOUNT}:task-definition/${family}:${revision}`

export function apiContainer(number: number, rest: Partial<StoredContainer> = {}): StoredContainer {
  return {
    name: "envoy",
    image: "840364872350.dkr.ecr.eu-west-1.amazonaws.com/aws-appmesh-envoy:v1.29.12.3-prod",
    runtimeId: dockerId(number),
    lastStatus: "RUNNING",
    networkBindings: [],
    networkInterfaces: [],
    ...rest,
  }
}

/** A task of a service, in awsvpc networking: its network interface is an attachment. */
export function apiTask(number: number, rest: Partial<StoredTask> = {}): StoredTask {
  return {
    taskArn: taskArn(number),
    clusterArn: `${ACCOUNT}:cluster/${CLUSTER}`,
    containerInstanceArn: INSTANCE,
    taskDefinitionArn: definitionArn("ui"),
    lastStatus: "RUNNING",
    desiredStatus: "RUNNING",
    group: "service:ui",
    attachments: [networkInterface(`10.0.2.${number % 250}`)],
    containers: [apiContainer(number)],
    overrides: { containerOverrides: [] },
    ...rest,
  }
}

const networkInterface = (address: string): StoredTask["attachments"][number] => ({
  id: "0f1e",
  type: "ElasticNetworkInterface",
  status: "ATTACHED",
  details: [
    { name: "networkInterfaceId", value: "eni-0f1e" },
    { name: "privateIPv4Address", value: address },
  ],
})

export function apiDefinition(
  family: string,
  containers: readonly Partial<StoredDefinition["containerDefinitions"][number]>[],
  rest: Partial<StoredDefinition> = {},
): [string, StoredDefinition] {
  const arn = definitionArn(family)
  return [
    arn,
    {
      taskDefinitionArn: arn,
      family,
      revision: 1,
      status: "ACTIVE",
      networkMode: "awsvpc",
      containerDefinitions: containers.map((one) => ({ name: "envoy", image: "", environment: [], ...one })),
      ...rest,
    },
  ]
}
