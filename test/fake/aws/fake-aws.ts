import { createServer } from "node:http"
import { type Clock, systemClock } from "#mesh/clock.ts"
import { onLoopback } from "../../fixtures/http/loopback.ts"
import { type FakeAps, makeAps } from "./aps/service.ts"
import { type FakeEcs, makeEcs } from "./ecs/service.ts"
import { type Fault, type FaultScope, type Faults, makeCeiling, makeFaults } from "./faults.ts"
import { type FakeLogs, makeLogs } from "./logs/service.ts"
import { makeMetrics } from "./metrics/service.ts"
import type { FakeMetrics } from "./metrics/store.ts"
import type { ApiName, Operation } from "./operation.ts"
import { makeOtlp } from "./otlp/service.ts"
import type { FakeOtlp } from "./otlp/store.ts"
import { route } from "./route.ts"
import { makeServe, type SeenRequest } from "./serve.ts"
import type { Credentials } from "./signature.ts"
import { type FakeXray, makeXray } from "./xray/service.ts"

export interface FakeAwsOptions {
  /** Its wall clock: for signatures, age limits and the `date` header. */
  readonly clock?: Pick<Clock, "now">
  readonly region?: string
  readonly credentials?: Credentials
  /** Most calls a second by API; `logs:CreateLogStream` is 50 unless given. */
  readonly ceilings?: Partial<Record<ApiName, number>>
  /** 0: any free port. */
  readonly port?: number
}

export interface FakeAws {
  /** `http://127.0.0.1:<port>`: the endpoint of every service. */
  readonly url: string
  readonly port: number
  readonly region: string
  readonly credentials: Credentials
  /** What a process needs in its environment so that the SDK finds this and nothing else. */
  readonly env: Readonly<Record<string, string>>
  /** Every call that came, oldest first, refused ones too. */
  readonly requests: readonly SeenRequest[]
  /** Tasks and task definitions. */
  readonly ecs: FakeEcs
  readonly logs: FakeLogs
  /** What PutMetricData and embedded metric format documents brought. */
  readonly metrics: FakeMetrics
  readonly xray: FakeXray
  /** What the three OTLP endpoints took. */
  readonly otlp: FakeOtlp
  /** What remote write brought to a workspace of Amazon Managed Prometheus. */
  readonly aps: FakeAps
  /** See `Faults.fail`. */
  fail(scope: FaultScope, fault: Fault, times?: number): () => void
  /** Closes all connections, hanging ones too. */
  stop(): Promise<void>
}

const CREDENTIALS: Credentials = {
  accessKeyId: "AKIDFAKEAWS0000000001",
  secretAccessKey: "the/secret+of/the/fake+aws",
  sessionToken: "a-session-token",
}

/**
 * CloudWatch Logs, CloudWatch, X-Ray, the tasks of ECS, the three OTLP endpoints and a Prometheus workspace, on one loopback port: as strict as
 * the documents are. Each rule names its source beside it; what is not documented says so. SDK clients get
 * `{ endpoint: fake.url, region: fake.region, credentials: fake.credentials }`, processes `fake.env`.
 */
export async function startFakeAws(options: FakeAwsOptions = {}): Promise<FakeAws> {
  const { clock = systemClock, region = "eu-west-1", credentials = CREDENTIALS } = options
  const metrics = makeMetrics()
  const logs = makeLogs((group, { message, ingestionTime }) => {
    // that other classes have metrics taken out of them is documented nowhere, so it is not relied on
    if (group.class === "STANDARD") metrics.takeEvent(group.name, message, ingestionTime)
  })
  const ecs = makeEcs()
  const xray = makeXray()
  const otlp = makeOtlp(logs.store)
  const aps = makeAps()
  const services = [ecs, logs, metrics, xray, otlp, aps]
  const operations: readonly Operation[] = services.flatMap((service) => service.operations)
  const faults: Faults = makeFaults()
  // client-cloudwatch-logs, CreateLogStream: "limited to 50 transactions per second"
  const ceiling = makeCeiling({ "logs:CreateLogStream": 50, ...options.ceilings })
  const requests: SeenRequest[] = []
  const find = route(operations)
  const serve = makeServe({ find, faults, ceiling, clock, region, credentials, requests })
  const server = createServer(serve)
  // longer than a test waits between two calls: a client must not find its connection closed by the way
  server.keepAliveTimeout = 120_000
  const { url, port, stop } = await onLoopback(server, options.port)
  return {
    url,
    port,
    region,
    credentials,
    env: environment(url, region, credentials),
    requests,
    ecs: ecs.store,
    logs: logs.store,
    metrics: metrics.store,
    xray: xray.store,
    otlp: otlp.store,
    aps: aps.store,
    fail: (scope, fault, times) => faults.fail(scope, fault, times),
    stop,
  }
}

const environment = (url: string, region: string, credentials: Credentials): Record<string, string> => ({
  AWS_ENDPOINT_URL: url,
  AWS_REGION: region,
  AWS_ACCESS_KEY_ID: credentials.accessKeyId,
  AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey,
  ...(credentials.sessionToken === undefined ? {} : { AWS_SESSION_TOKEN: credentials.sessionToken }),
  AWS_EC2_METADATA_DISABLED: "true",
})
