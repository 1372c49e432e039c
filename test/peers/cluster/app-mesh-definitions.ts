/**
 * Custom resource definitions that accept what App Mesh's accept: the same kinds, scopes, fields and bounds, written from
 * its API reference. What no test of ours looks into (TLS, client policies, pools) is taken as it comes.
 */
interface Schema {
  readonly type?: string
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly enum?: readonly string[]
  readonly [rule: string]: unknown
}

const text = (least?: number, most?: number): Schema => ({
  type: "string",
  ...(least === undefined ? {} : { minLength: least }),
  ...(most === undefined ? {} : { maxLength: most }),
})
const word = (...words: string[]): Schema => ({ type: "string", enum: words })
const whole = (least: number, most?: number): Schema => ({
  type: "integer",
  format: "int64",
  minimum: least,
  ...(most === undefined ? {} : { maximum: most }),
})
const flag: Schema = { type: "boolean" }
const anything: Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true }
const list = (items: Schema, least?: number, most?: number): Schema => ({
  type: "array",
  items,
  ...(least === undefined ? {} : { minItems: least }),
  ...(most === undefined ? {} : { maxItems: most }),
})
/** Keys that end in `!` must be there. */
function object(fields: Readonly<Record<string, Schema>>): Schema {
  const required = Object.keys(fields).filter((key) => key.endsWith("!"))
  const properties = Object.fromEntries(
    Object.entries(fields).map(([key, schema]) => [key.replace(/!$/, ""), schema]),
  )
  return {
    type: "object",
    properties,
    ...(required.length === 0 ? {} : { required: required.map((key) => key.slice(0, -1)) }),
  }
}

const named = object({ "name!": text(), namespace: text() })
const meshRef = object({ "name!": text(), "uid!": text() })
const selector = object({
  matchLabels: { type: "object", additionalProperties: text() },
  matchExpressions: list(object({ "key!": text(), "operator!": text(), values: list(text()) })),
})
const span = object({ "unit!": word("s", "ms"), "value!": whole(0) })
const timeouts = object({ perRequest: span, idle: span })
const mapping = (...protocols: string[]): Schema =>
  object({ "port!": whole(1, 65_535), "protocol!": word(...protocols) })
const healthCheck = object({
  "intervalMillis!": whole(5000, 300_000),
  "timeoutMillis!": whole(2000, 60_000),
  "unhealthyThreshold!": whole(2, 10),
  healthyThreshold: whole(2, 10),
  path: text(),
  port: whole(1, 65_535),
  "protocol!": word("grpc", "http", "http2", "tcp"),
})
const logging = object({
  accessLog: object({
    file: object({
      "path!": text(1, 255),
      format: object({ text: text(), json: list(object({ "key!": text(), "value!": text() })) }),
    }),
  }),
})
const stringMatch = object({
  exact: text(1, 255),
  prefix: text(1, 255),
  suffix: text(1, 255),
  regex: text(1, 255),
  range: object({ "start!": whole(0), "end!": whole(0) }),
})
const METHODS = word("CONNECT", "DELETE", "GET", "HEAD", "OPTIONS", "PATCH", "POST", "PUT", "TRACE")
const headers = list(object({ "name!": text(1, 50), match: stringMatch, invert: flag }), 1, 10)
const queryParameters = list(object({ "name!": text(), match: object({ exact: text() }) }), 1, 10)
const path = object({ exact: text(1, 255), regex: text(1, 255) })
const hostname = object({ exact: text(1, 253), suffix: text(1, 253) })
const httpMatch = { headers, queryParameters, path, prefix: text(), method: METHODS, port: whole(0) }
const grpcMatch = { metadata: headers, serviceName: text(), port: whole(0) }

const weighted = object({
  "weightedTargets!": list(
    object({ virtualNodeRef: named, virtualNodeARN: text(), "weight!": whole(0, 100), port: whole(0) }),
    1,
    10,
  ),
})
const retries = object({
  "maxRetries!": whole(0),
  "perRetryTimeout!": span,
  httpRetryEvents: list(text(), 1, 25),
  grpcRetryEvents: list(text(), 1, 5),
  tcpRetryEvents: list(text(), 1, 1),
})
const route = (match: Schema, more: Readonly<Record<string, Schema>> = {}): Schema =>
  object({ "action!": weighted, match, timeout: timeouts, ...more })
const httpRoute = route(object({ ...httpMatch, scheme: word("http", "https") }), { retryPolicy: retries })
const target = object({
  "virtualService!": object({ virtualServiceRef: named, virtualServiceARN: text() }),
  port: whole(0),
})
const rewrite = object({
  hostname: object({ defaultTargetHostname: word("ENABLED", "DISABLED") }),
  path: object({ exact: text(1, 255) }),
  prefix: object({ defaultPrefix: word("ENABLED", "DISABLED"), value: text(1, 255) }),
})
const gatewayRoute = (match: Readonly<Record<string, Schema>>): Schema =>
  object({
    "match!": object({ ...match, hostname }),
    "action!": object({ "target!": target, rewrite }),
  })
const common = { awsName: text(), meshRef }

/** Kind -> scope and what its `spec` holds. */
const KINDS: Readonly<
  Record<string, { readonly plural: string; readonly cluster?: true; readonly spec: Schema }>
> = {
  Mesh: {
    plural: "meshes",
    cluster: true,
    spec: object({
      awsName: text(),
      namespaceSelector: selector,
      egressFilter: object({ "type!": word("ALLOW_ALL", "DROP_ALL") }),
      meshOwner: text(),
      meshServiceDiscovery: object({ ipPreference: word("IPv6_ONLY", "IPv4_ONLY") }),
    }),
  },
  VirtualNode: {
    plural: "virtualnodes",
    spec: object({
      ...common,
      podSelector: selector,
      listeners: list(
        object({
          "portMapping!": mapping("grpc", "http", "http2", "tcp"),
          healthCheck,
          connectionPool: anything,
          outlierDetection: anything,
          timeout: object({ http: timeouts, http2: timeouts, grpc: timeouts, tcp: timeouts }),
          tls: anything,
        }),
      ),
      backends: list(
        object({
          "virtualService!": object({
            virtualServiceRef: named,
            virtualServiceARN: text(),
            clientPolicy: anything,
          }),
        }),
      ),
      backendGroups: list(named),
      backendDefaults: anything,
      logging,
      serviceDiscovery: object({
        dns: object({ "hostname!": text(), responseType: word("ENDPOINTS", "LOADBALANCER") }),
        awsCloudMap: object({
          "namespaceName!": text(1, 1024),
          "serviceName!": text(1, 1024),
          attributes: list(object({ "key!": text(1, 255), "value!": text(1, 1024) })),
        }),
      }),
    }),
  },
  VirtualService: {
    plural: "virtualservices",
    spec: object({
      ...common,
      provider: object({
        virtualNode: object({ virtualNodeRef: named, virtualNodeARN: text() }),
        virtualRouter: object({ virtualRouterRef: named, virtualRouterARN: text() }),
      }),
    }),
  },
  VirtualRouter: {
    plural: "virtualrouters",
    spec: object({
      ...common,
      listeners: list(object({ "portMapping!": mapping("grpc", "http", "http2", "tcp") }), 1),
      routes: list(
        object({
          "name!": text(),
          priority: whole(0, 1000),
          httpRoute,
          http2Route: httpRoute,
          grpcRoute: route(object({ ...grpcMatch, methodName: text(1, 50) }), { retryPolicy: retries }),
          tcpRoute: route(object({ port: whole(0) })),
        }),
      ),
    }),
  },
  VirtualGateway: {
    plural: "virtualgateways",
    spec: object({
      ...common,
      namespaceSelector: selector,
      podSelector: selector,
      gatewayRouteSelector: selector,
      listeners: list(
        object({
          "portMapping!": mapping("grpc", "http", "http2"),
          healthCheck,
          connectionPool: anything,
          tls: anything,
        }),
      ),
      backendDefaults: anything,
      logging,
    }),
  },
  GatewayRoute: {
    plural: "gatewayroutes",
    spec: object({
      ...common,
      priority: whole(0, 1000),
      virtualGatewayRef: object({ "name!": text(), namespace: text(), "uid!": text() }),
      httpRoute: gatewayRoute(httpMatch),
      http2Route: gatewayRoute(httpMatch),
      grpcRoute: gatewayRoute(grpcMatch),
    }),
  },
  BackendGroup: {
    plural: "backendgroups",
    spec: object({ meshRef, virtualservices: list(named) }),
  },
}

/** Documents for `kubectl apply`. */
export function appMeshDefinitions(): readonly object[] {
  return Object.entries(KINDS).map(([kind, { plural, cluster, spec }]) => ({
    apiVersion: "apiextensions.k8s.io/v1",
    kind: "CustomResourceDefinition",
    metadata: { name: `${plural}.appmesh.k8s.aws` },
    spec: {
      group: "appmesh.k8s.aws",
      scope: cluster === true ? "Cluster" : "Namespaced",
      names: { kind, listKind: `${kind}List`, plural, singular: kind.toLowerCase() },
      versions: [
        {
          name: "v1beta2",
          served: true,
          storage: true,
          subresources: { status: {} },
          schema: {
            openAPIV3Schema: { type: "object", properties: { spec, status: anything } },
          },
        },
      ],
    },
  }))
}
