import * as z from "zod"
import { arn, checked, list, MOST_CONTAINERS, port, text, word } from "../tasks.ts"

/** Tasks of one call of DescribeTasks, tasks of one page of ListTasks. Source: type docs of the SDK's client-ecs. */
export const MOST_IN_A_CALL = 100

const value = z.string().max(64 * 1024)
const pairs = list(z.object({ name: value.nullish(), value: value.nullish() }), 10_000)

const listed = z.object({ taskArns: list(arn, MOST_IN_A_CALL), nextToken: value.nullish() })

/** One page of ListTasks. @throws MeshscopeError ECS_BAD_ANSWER */
export function listedTasks(answer: unknown): z.output<typeof listed> {
  return checked(listed, answer, "The ECS API's answer to ListTasks")
}

const described = z.object({
  tasks: list(
    z.object({
      taskArn: arn,
      taskDefinitionArn: text,
      containerInstanceArn: text.nullish(),
      lastStatus: text.nullish(),
      group: text.nullish(),
      attachments: list(z.object({ type: text.nullish(), details: pairs }), 100),
      containers: list(
        z.object({
          name: word,
          image: text.nullish(),
          runtimeId: word.or(z.literal("")).nullish(),
          networkBindings: list(
            z.object({
              bindIP: text.nullish(),
              containerPort: port.nullish(),
              hostPort: port.nullish(),
              protocol: text.nullish(),
            }),
            1000,
          ),
          networkInterfaces: list(
            z.object({ privateIpv4Address: text.nullish(), ipv6Address: text.nullish() }),
            100,
          ),
        }),
        MOST_CONTAINERS,
      ),
      overrides: z
        .object({
          containerOverrides: list(z.object({ name: text.nullish(), environment: pairs }), MOST_CONTAINERS),
        })
        .nullish(),
    }),
    MOST_IN_A_CALL,
  ),
})

/** A task as DescribeTasks tells of it. */
export type DescribedTask = z.output<typeof described>["tasks"][number]

/** @throws MeshscopeError ECS_BAD_ANSWER */
export function describedTasks(answer: unknown): readonly DescribedTask[] {
  return checked(described, answer, "The ECS API's answer to DescribeTasks").tasks
}

const definition = z.object({
  taskDefinition: z.object({
    networkMode: text.nullish(),
    containerDefinitions: list(
      z.object({
        name: word,
        environment: pairs,
        dockerLabels: z.record(z.string(), value).nullish(),
        logConfiguration: z.object({ logDriver: text.nullish() }).nullish(),
      }),
      MOST_CONTAINERS,
    ),
  }),
})

/** @throws MeshscopeError ECS_BAD_ANSWER */
export function describedDefinition(answer: unknown): z.output<typeof definition>["taskDefinition"] {
  return checked(definition, answer, "The ECS API's answer to DescribeTaskDefinition").taskDefinition
}

/** What is named in a list of pairs. */
export function pairsOf(all: z.output<typeof pairs>): ReadonlyMap<string, string> {
  return new Map(all.map((pair) => [pair.name ?? "", pair.value ?? ""]))
}
