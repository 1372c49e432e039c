import { CLUSTER, type FakeContainer, type FakeTask } from "./agent.ts"

/** Texts as ECS makes them, from a small number. */
export const taskId = (number: number): string => number.toString(16).padStart(32, "0")
export const dockerId = (number: number): string => number.toString(16).padStart(64, "0")
export const taskArn = (number: number): string =>
  `arn:aws:ecs:eu-west-1:111122223333:task/${CLUSTER}/${taskId(number)}`

const APP_MESH_IMAGE = "840364872350.dkr.ecr.eu-west-1.amazonaws.com/aws-appmesh-envoy:v1.29.12.3-prod"

export function container(number: number, rest: Partial<FakeContainer> = {}): FakeContainer {
  return {
    DockerId: dockerId(number),
    DockerName: `ecs-yelb-ui-4-envoy-${number}`,
    Name: "envoy",
    Image: APP_MESH_IMAGE,
    ImageID: `sha256:${dockerId(number)}`,
    Networks: [{ NetworkMode: "awsvpc", IPv4Addresses: [`10.0.1.${number}`] }],
    ...rest,
  }
}

export function task(
  number: number,
  containers: readonly FakeContainer[],
  rest: Partial<FakeTask> = {},
): FakeTask {
  return {
    Arn: taskArn(number),
    DesiredStatus: "RUNNING",
    KnownStatus: "RUNNING",
    Family: "yelb-ui",
    Version: "4",
    Containers: containers,
    ...rest,
  }
}

export const application = (number: number): FakeContainer =>
  container(number, { Name: "app", Image: "mreferre/yelb-ui:0.7" })
