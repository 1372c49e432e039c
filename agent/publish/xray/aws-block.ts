import type { JsonObject } from "#mesh/json-object.ts"
import type { Span, SpanProxy } from "#mesh/span.ts"
import { type Draft, objectOf, present } from "./json-draft.ts"

const PROXY_ORIGIN = "AWS::AppMesh::Proxy"

/** Where the Collector's X-Ray exporter has them too (translator/segment.go). */
const ORIGINS: ReadonlyMap<string, string> = new Map([
  ["aws_ec2", "AWS::EC2::Instance"],
  ["aws_ecs", "AWS::ECS::Container"],
  ["aws_eks", "AWS::EKS::Container"],
  ["aws_elastic_beanstalk", "AWS::ElasticBeanstalk::Environment"],
  ["aws_lambda", "AWS::Lambda::Function"],
  ["aws_app_runner", "AWS::AppRunner::Service"],
])
const LAUNCH_TYPES: ReadonlyMap<string, string> = new Map([
  ["ec2", "AWS::ECS::EC2"],
  ["fargate", "AWS::ECS::Fargate"],
])

export function originOf(span: Span): string | undefined {
  const told = span.document?.["origin"] ?? span.resource.get("aws.xray.origin")
  if (typeof told === "string" && told !== "") return told
  if (span.proxy?.flavor === "app-mesh") return PROXY_ORIGIN
  const launch = LAUNCH_TYPES.get(String(span.resource.get("aws.ecs.launchtype")).toLowerCase())
  return launch ?? ORIGINS.get(String(span.resource.get("cloud.platform")))
}

/**
 * The block `aws`: what the sender told, with the names of the mesh that it left out, and the group that holds the proxy's
 * access log. App Mesh put gateways under `virtual_node_name` too; their own name is added beside it.
 */
export function awsBlock(span: Span, logGroup: string | undefined): Draft | undefined {
  const told = span.document === undefined ? processBlock(span) : objectOf(span.document, "aws")
  const { proxy } = span
  return present({
    ...told,
    app_mesh: proxy?.flavor === "app-mesh" ? appMesh(told, proxy) : told["app_mesh"],
    cloudwatch_logs:
      told["cloudwatch_logs"] ?? (logGroup === undefined ? undefined : [{ log_group: logGroup }]),
  })
}

function appMesh(told: JsonObject, proxy: SpanProxy): JsonObject {
  return {
    mesh_name: proxy.mesh,
    virtual_node_name: proxy.resource,
    ...(proxy.role === "gateway" ? { virtual_gateway_name: proxy.resource } : {}),
    ...objectOf(told, "app_mesh"),
  }
}

function processBlock({ resource, attributes }: Span): JsonObject {
  const of = (name: string): unknown => resource.get(name)
  const platform = of("cloud.platform")
  const eks = platform === "aws_eks" || of("k8s.cluster.name") !== undefined
  const logGroup = of("aws.log.group.names")
  return {
    account_id: of("cloud.account.id") ?? attributes.get("aws.account_id"),
    ec2: present({
      instance_id: of("host.id"),
      instance_size: of("host.type"),
      ami_id: of("host.image.id"),
      availability_zone: of("cloud.availability_zone"),
    }),
    ecs: present({
      container: eks ? undefined : of("container.name"),
      container_id: eks ? undefined : of("container.id"),
      container_arn: of("aws.ecs.container.arn"),
    }),
    eks: present({
      pod: of("k8s.pod.name"),
      cluster_name: of("k8s.cluster.name"),
      container_id: eks ? of("container.id") : undefined,
    }),
    xray: present({
      sdk: of("telemetry.sdk.name"),
      sdk_version: of("telemetry.sdk.version"),
    }),
    cloudwatch_logs: typeof logGroup === "string" ? [{ log_group: logGroup }] : undefined,
    operation: attributes.get("aws.operation"),
    region: attributes.get("aws.region"),
    request_id: attributes.get("aws.request_id"),
    queue_url: attributes.get("aws.queue_url"),
    table_name: attributes.get("aws.table_name"),
  }
}
