import { type ApiName, type Input, type JsonHandler, jsonRun, type Operation } from "../operation.ts"
import { Refusal } from "../refusal.ts"
import { type FakeEcs, makeStore, type StoredTask } from "./store.ts"

export type { FakeEcs } from "./store.ts"

/** docs.aws.amazon.com/AmazonECS/latest/APIReference/request-throttling.html: ThrottlingException, status 400. */
const operation = (api: ApiName, handler: JsonHandler): Operation => ({
  api,
  service: "ecs",
  wire: "json-1.1",
  throttle: { code: "ThrottlingException", status: 400 },
  gzip: false,
  run: jsonRun("json-1.1", handler),
})

/** The three calls of Amazon ECS that read tasks. */
export function makeEcs(): { store: FakeEcs; operations: Operation[] } {
  const store = makeStore()
  return {
    store,
    operations: [
      operation("ecs:ListTasks", listTasks(store)),
      operation("ecs:DescribeTasks", describeTasks(store)),
      operation("ecs:DescribeTaskDefinition", describeTaskDefinition(store)),
    ],
  }
}

/** client-ecs, ListTasksRequest: "This value can be between 1 and 100"; DescribeTasksRequest: "A list of up to 100 task IDs or full ARN entries". */
const MOST = 100

/** client-ecs, ListTasksRequest: only tasks whose desired status is RUNNING unless asked otherwise; up to 100 on a page. */
function listTasks(store: FakeEcs): JsonHandler {
  return (input) => {
    const cluster = clusterOf(store, input)
    const { maxResults = MOST, nextToken, containerInstance, desiredStatus = "RUNNING" } = input
    if (
      typeof maxResults !== "number" ||
      !Number.isInteger(maxResults) ||
      maxResults < 1 ||
      maxResults > MOST
    )
      throw invalid("maxResults must be between 1 and 100.")
    const from = nextToken === undefined ? 0 : placeOf(nextToken)
    const arns = store.tasks
      .filter(
        (task) =>
          shortName(task.clusterArn) === cluster &&
          task.desiredStatus === desiredStatus &&
          (containerInstance === undefined || isOn(task, containerInstance)),
      )
      .map(({ taskArn }) => taskArn)
    const next = from + maxResults
    return {
      taskArns: arns.slice(from, next),
      ...(next < arns.length ? { nextToken: tokenOf(next) } : {}),
    }
  }
}

/** client-ecs, DescribeTasksRequest and Failure; reason MISSING: docs.aws.amazon.com/AmazonECS/latest/developerguide/api_failures_messages.html */
function describeTasks(store: FakeEcs): JsonHandler {
  return (input) => {
    const cluster = clusterOf(store, input)
    const asked = input["tasks"]
    if (!Array.isArray(asked) || asked.length === 0) throw invalid("Tasks cannot be empty.")
    if (asked.length > MOST) throw invalid("Tasks cannot have more than 100 elements.")
    const found = asked.map((one: unknown) =>
      store.tasks.find(
        ({ taskArn, clusterArn }) =>
          shortName(clusterArn) === cluster && (taskArn === one || shortName(taskArn) === one),
      ),
    )
    return {
      tasks: found.filter((task) => task !== undefined),
      failures: asked.filter((_, at) => found[at] === undefined).map((arn) => ({ arn, reason: "MISSING" })),
    }
  }
}

/** client-ecs, DescribeTaskDefinitionRequest: `family`, `family:revision` or an ARN. What an unknown one is called is not documented; this is what AWS's command line shows. */
function describeTaskDefinition(store: FakeEcs): JsonHandler {
  return ({ taskDefinition }) => {
    if (typeof taskDefinition !== "string" || taskDefinition === "")
      throw invalid("taskDefinition is missing.")
    const found = [...store.definitions.values()]
      .filter(
        ({ taskDefinitionArn, family, revision, status }) =>
          taskDefinition === taskDefinitionArn ||
          taskDefinition === `${family}:${revision}` ||
          (taskDefinition === family && status === "ACTIVE"),
      )
      .toSorted((a, b) => b.revision - a.revision)[0]
    if (found === undefined) throw new Refusal("ClientException", "Unable to describe task definition.")
    return { taskDefinition: found, tags: [] }
  }
}

/** client-ecs: "If you do not specify a cluster, the default cluster is assumed". @throws Refusal */
function clusterOf({ clusters }: FakeEcs, { cluster = "default" }: Input): string {
  const name = typeof cluster === "string" ? shortName(cluster) : ""
  if (!clusters.has(name)) throw new Refusal("ClusterNotFoundException", "Cluster not found.")
  return name
}

const isOn = ({ containerInstanceArn = "" }: StoredTask, instance: unknown): boolean =>
  containerInstanceArn === instance || shortName(containerInstanceArn) === instance

const shortName = (arn: string): string => arn.slice(arn.lastIndexOf("/") + 1)
const tokenOf = (at: number): string => Buffer.from(`after ${at}`).toString("base64")

/** "This token should be treated as an opaque identifier": one that it did not give out is refused. */
function placeOf(token: unknown): number {
  const at = /^after (\d+)$/.exec(Buffer.from(String(token), "base64").toString())?.[1]
  if (at === undefined) throw invalid("Invalid token.")
  return Number(at)
}

const invalid = (message: string): Refusal => new Refusal("InvalidParameterException", message)
