import { isObject, type JsonObject } from "#mesh/json-object.ts"
import { type AttributeValue, MAX_ATTRIBUTES } from "#mesh/span.ts"
import { objectAt, textAt } from "./lenient-json.ts"

/** Longest text kept of an attribute, UTF-16 units. */
const MAX_TEXT = 4096

/** Attributes by name; those above the limit are counted and left out. */
export class Attributes {
  readonly values = new Map<string, AttributeValue>()
  cut = 0

  /** Objects and lists are no attributes; numbers that JSON cannot hold do not come here. */
  put(name: string, value: unknown): void {
    if (typeof value !== "string" && typeof value !== "number" && typeof value !== "boolean") return
    if (this.values.size >= MAX_ATTRIBUTES && !this.values.has(name)) this.cut++
    else this.values.set(name, typeof value === "string" ? value.slice(0, MAX_TEXT) : value)
  }
}

type Words = readonly (readonly [field: string, name: string])[]

/** Fields of `aws` that tell of the process, by OpenTelemetry's names (opentelemetry.io/docs/specs/semconv/resource). */
const PROCESS: Readonly<Record<string, Words>> = {
  ec2: [
    ["instance_id", "host.id"],
    ["instance_size", "host.type"],
    ["ami_id", "host.image.id"],
    ["availability_zone", "cloud.availability_zone"],
  ],
  ecs: [
    ["container", "container.name"],
    ["container_id", "container.id"],
    ["container_arn", "aws.ecs.container.arn"],
  ],
  eks: [
    ["pod", "k8s.pod.name"],
    ["cluster_name", "k8s.cluster.name"],
    ["container_id", "container.id"],
  ],
  elastic_beanstalk: [
    ["environment_name", "service.namespace"],
    ["deployment_id", "service.instance.id"],
    ["version_label", "service.version"],
  ],
  xray: [
    ["sdk", "telemetry.sdk.name"],
    ["sdk_version", "telemetry.sdk.version"],
    ["auto_instrumentation", "telemetry.auto.version"],
  ],
  // OpenTelemetry has no words for it; X-Ray's own, with its path.
  app_mesh: [
    ["mesh_name", "aws.app_mesh.mesh_name"],
    ["virtual_node_name", "aws.app_mesh.virtual_node_name"],
    ["virtual_gateway_name", "aws.app_mesh.virtual_gateway_name"],
  ],
}
const PLATFORMS: ReadonlyMap<string, string> = new Map([
  ["AWS::EC2::Instance", "aws_ec2"],
  ["AWS::ECS::Container", "aws_ecs"],
  ["AWS::ECS::EC2", "aws_ecs"],
  ["AWS::ECS::Fargate", "aws_ecs"],
  ["AWS::EKS::Container", "aws_eks"],
  ["AWS::ElasticBeanstalk::Environment", "aws_elastic_beanstalk"],
  ["AWS::Lambda::Function", "aws_lambda"],
  ["AWS::AppRunner::Service", "aws_app_runner"],
])
/** Fields of a subsegment's `aws`: the call that was made. Names as the Collector's X-Ray receiver has them. */
const CALL: Words = [
  ["operation", "aws.operation"],
  ["account_id", "aws.account_id"],
  ["region", "aws.region"],
  ["request_id", "aws.request_id"],
  ["queue_url", "aws.queue_url"],
  ["table_name", "aws.table_name"],
]
const SQL: Words = [
  ["database_type", "db.system"],
  ["database_version", "db.version"],
  ["driver_version", "db.driver.version"],
  ["user", "db.user"],
  ["url", "db.connection_string"],
  ["connection_string", "db.connection_string"],
  ["sanitized_query", "db.statement"],
]

function putWords(into: Attributes, from: JsonObject | undefined, words: Words): void {
  if (from === undefined) return
  for (const [field, name] of words) {
    const value = Object.hasOwn(from, field) ? from[field] : undefined
    if (value !== "") into.put(name, value)
  }
}

/** What a segment tells of its process: `aws`, `origin`, `service`. */
export function putResource(into: Attributes, document: JsonObject): void {
  const origin = textAt(document, "origin")
  const platform = PLATFORMS.get(origin ?? "")
  if (platform !== undefined) {
    into.put("cloud.provider", "aws")
    into.put("cloud.platform", platform)
  }
  into.put("aws.xray.origin", origin)
  const aws = objectAt(document, "aws")
  into.put("cloud.account.id", textAt(aws, "account_id"))
  for (const [block, words] of Object.entries(PROCESS)) putWords(into, objectAt(aws, block), words)
  into.put("aws.log.group.names", logGroups(aws))
  into.put("service.version", textAt(objectAt(document, "service"), "version"))
}

function logGroups(aws: JsonObject | undefined): string | undefined {
  const logs = aws?.["cloudwatch_logs"]
  if (!Array.isArray(logs)) return undefined
  const names = logs
    .slice(0, 10)
    .map((entry: unknown) => (isObject(entry) ? textAt(entry, "log_group") : undefined))
  return names.find((name) => name !== undefined)
}

/** Everything else that was told, annotations under their own names. `aws` of a subsegment tells of a call. */
export function putAttributes(into: Attributes, document: JsonObject): void {
  for (const [name, value] of Object.entries(objectAt(document, "annotations") ?? {})) into.put(name, value)
  into.put("enduser.id", textAt(document, "user"))
  putWords(into, objectAt(document, "sql"), SQL)
  putException(into, document)
  putMetadata(into, document)
}

export function putCall(into: Attributes, document: JsonObject): void {
  putWords(into, objectAt(document, "aws"), CALL)
  into.put("aws.xray.namespace", textAt(document, "namespace"))
}

/** The first exception, which is the outermost. */
function putException(into: Attributes, document: JsonObject): void {
  const exceptions = objectAt(document, "cause")?.["exceptions"]
  const first: unknown = Array.isArray(exceptions) ? exceptions[0] : undefined
  if (!isObject(first)) return
  into.put("exception.type", textAt(first, "type"))
  into.put("exception.message", textAt(first, "message"))
}

/** Metadata is any JSON: each namespace becomes one text, unless it is too long to be one. */
function putMetadata(into: Attributes, document: JsonObject): void {
  for (const [namespace, value] of Object.entries(objectAt(document, "metadata") ?? {})) {
    if (into.values.size >= MAX_ATTRIBUTES) return
    const text = JSON.stringify(value)
    if (text !== undefined && text.length <= MAX_TEXT) into.put(`aws.xray.metadata.${namespace}`, text)
    else into.cut++
  }
}
