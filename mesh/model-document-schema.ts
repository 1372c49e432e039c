import * as z from "zod"
import type {
  ActiveHealthCheck,
  DeclaredAccessLog,
  DeclaredMesh,
  DeclaredModel,
  GatewayRoute,
  LabelSelector,
  NamedMatch,
  NativeName,
  NodeListener,
  PortMapping,
  RetryPolicy,
  Route,
  RouteMatch,
  StringMatch,
  VirtualGateway,
  VirtualNode,
  VirtualRouter,
  VirtualService,
  WeightedTarget,
} from "./declared.ts"
import type { ModelDocument } from "./model-document.ts"
import type { Flavor } from "./resource.ts"

/** Every field of the type must have its check: one that is added there and forgotten here does not compile. */
type Shape<T> = { readonly [K in keyof T]-?: z.ZodType<Exclude<T[K], undefined>> }

const FLAVORS = ["app-mesh", "service-connect", "istio", "plain"] as const satisfies readonly Flavor[]

/** Names and patterns; objects of Kubernetes are 1.5 MB at most, and no name in them is as long. */
const text = z.string().max(65_536)
const maybeText = text.exactOptional()
const texts = z.array(text)
const textsByName = z.record(text, text).exactOptional()
const whole = z.int().min(0)
const port = z.int().min(0).max(65_535)
const share = z.number().min(0).max(1).exactOptional()
const priority = z.int().exactOptional()
const protocol = z.enum(["http", "http2", "grpc", "tcp"])

const native = z
  .object({ kind: text, name: text, namespace: maybeText } satisfies Shape<NativeName>)
  .exactOptional()
const declared = { name: text, native, labels: textsByName }
const portMapping = z.object({ port, protocol } satisfies Shape<PortMapping>)
const healthCheck = z
  .object({ protocol, path: maybeText, port: port.exactOptional() } satisfies Shape<ActiveHealthCheck>)
  .exactOptional()
const listener = z.object({ port, protocol, healthCheck } satisfies Shape<NodeListener>)
const accessLog = z
  .object({ path: text, text: maybeText, json: textsByName } satisfies Shape<DeclaredAccessLog>)
  .exactOptional()
const podSelector = z
  .object({
    matchLabels: textsByName,
    matchExpressions: z
      .array(
        z.object({ key: text, operator: z.enum(["In", "NotIn", "Exists", "DoesNotExist"]), values: texts }),
      )
      .exactOptional(),
  } satisfies Shape<LabelSelector>)
  .exactOptional()

const stringMatch = z.object({
  exact: maybeText,
  prefix: maybeText,
  suffix: maybeText,
  regex: maybeText,
  range: z.object({ start: z.number(), end: z.number() }).exactOptional(),
  invert: z.boolean().exactOptional(),
} satisfies Shape<StringMatch>)
const namedMatches = z
  .array(z.object({ name: text, match: stringMatch.exactOptional() } satisfies Shape<NamedMatch>))
  .exactOptional()
const routeMatch = z.object({
  path: stringMatch.exactOptional(),
  method: maybeText,
  scheme: maybeText,
  headers: namedMatches,
  query: namedMatches,
  hostname: stringMatch.exactOptional(),
  port: port.exactOptional(),
  grpc: z.object({ service: maybeText, method: maybeText }).exactOptional(),
} satisfies Shape<RouteMatch>)
const target = z.object({
  virtualNode: text,
  weight: z.number().min(0),
  port: port.exactOptional(),
} satisfies Shape<WeightedTarget>)
const retry = z
  .object({
    maxRetries: whole,
    perRetryTimeoutMs: z.number().exactOptional(),
    httpRetryEvents: texts.exactOptional(),
    grpcRetryEvents: texts.exactOptional(),
    tcpRetryEvents: texts.exactOptional(),
  } satisfies Shape<RetryPolicy>)
  .exactOptional()
const matches = {
  protocol,
  priority,
  match: routeMatch,
  otherMatches: z.array(routeMatch).exactOptional(),
  wireNames: texts.exactOptional(),
  objective: share,
}

const route = z.object({
  ...declared,
  ...matches,
  targets: z.array(target),
  retry,
  timeoutMs: z.number().exactOptional(),
  idleTimeoutMs: z.number().exactOptional(),
} satisfies Shape<Route>)
const gatewayRoute = z.object({
  ...declared,
  ...matches,
  virtualService: text,
  targetPort: port.exactOptional(),
  rewrite: z.object({ hostname: z.boolean(), prefix: maybeText, path: maybeText }),
} satisfies Shape<GatewayRoute>)

const node = z.object({
  ...declared,
  listeners: z.array(listener),
  backends: texts,
  discovery: z.object({ type: z.enum(["dns", "cloudmap"]), hostname: maybeText }).exactOptional(),
  accessLog,
  podSelector,
} satisfies Shape<VirtualNode>)
const service = z.object({
  ...declared,
  provider: z.discriminatedUnion("kind", [
    z.object({ kind: z.literal("virtual_router"), name: text }),
    z.object({ kind: z.literal("virtual_node"), name: text }),
    z.object({ kind: z.literal("none") }),
  ]),
} satisfies Shape<VirtualService>)
const router = z.object({
  ...declared,
  listeners: z.array(portMapping),
  routes: z.array(route),
} satisfies Shape<VirtualRouter>)
const gateway = z.object({
  ...declared,
  listeners: z.array(listener),
  accessLog,
  podSelector,
  routes: z.array(gatewayRoute),
} satisfies Shape<VirtualGateway>)
const mesh = z.object({
  name: text,
  flavor: z.enum(FLAVORS),
  owner: maybeText,
  egress: z.enum(["ALLOW_ALL", "DROP_ALL"]),
  virtualNodes: z.array(node),
  virtualServices: z.array(service),
  virtualRouters: z.array(router),
  virtualGateways: z.array(gateway),
} satisfies Shape<DeclaredMesh>)

/** Checks each field of a document from elsewhere; fields that are not known are left out. */
export const modelDocumentSchema: z.ZodType<ModelDocument> = z.object({
  version: z.literal(1),
  model: z.object({ meshes: z.array(mesh) } satisfies Shape<DeclaredModel>),
  notes: texts,
} satisfies Shape<ModelDocument>)
