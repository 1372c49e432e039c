import { join } from "node:path"
import { component } from "../../../scripts/components/component.ts"
import { type FakeAws, startFakeAws } from "../../fake/aws/fake-aws.ts"
import { type FakeHec, startFakeHec } from "../../fake/splunk/fake-hec.ts"
import { Prometheus } from "../../live/prometheus/server.ts"
import { type SpanIntake, startIntake } from "../../live/traces/intake.ts"
import { HEC_INDEX, readHec, readLogs, readTraces, readWhole, readXray, readZipkin } from "./contents.ts"
import { type Canned, Door, type DoorOptions } from "./door.ts"

export const DOORS = ["logs", "metrics", "xray", "remoteWrite", "zipkin", "traces", "splunk"] as const
export type DoorName = (typeof DOORS)[number]

/** Everything that an agent can push to, each behind a door of its own. Lines and metric documents share one. */
export interface Receivers {
  readonly doors: Readonly<Record<DoorName, Door>>
  readonly aws: FakeAws
  readonly hec: FakeHec
  readonly prometheus: Prometheus
  readonly zipkin: SpanIntake
  readonly otlp: SpanIntake
  /** What the agent needs in its environment. */
  readonly env: Readonly<Record<string, string>>
  /** The agent's configuration below `publish`. */
  readonly publish: Readonly<Record<string, Readonly<Record<string, unknown>>>>
  stop(): Promise<void>
}

const json11 = (status: number, type: string): Canned => ({
  status,
  headers: { "content-type": "application/x-amz-json-1.1" },
  body: JSON.stringify({ __type: type, message: "Not now." }),
})
const rest = (status: number, type: string): Canned => ({
  status,
  headers: { "content-type": "application/json", "x-amzn-errortype": type },
  body: JSON.stringify({ Message: "Not now." }),
})
const busy: Canned = { status: 503, headers: { "retry-after": "1" }, body: "Not now." }
const tooMany: Canned = { status: 429, headers: { "retry-after": "1" }, body: "Not now." }
const broken: Canned = { status: 500, body: "It broke." }

type Behaviour = Pick<DoorOptions, "error" | "throttle" | "read">

/** How each receiver says that it cannot, in its protocol's own words; OTLP forbids to send again after a 500. */
const BEHAVIOURS: Readonly<Record<DoorName, Behaviour>> = {
  logs: {
    error: json11(500, "ServiceUnavailableException"),
    throttle: json11(400, "ThrottlingException"),
    read: readLogs,
  },
  metrics: { error: busy, throttle: tooMany, read: readWhole },
  xray: { error: rest(500, "InternalFailure"), throttle: rest(429, "ThrottledException"), read: readXray },
  remoteWrite: { error: broken, throttle: tooMany, read: readWhole },
  zipkin: { error: broken, throttle: tooMany, read: readZipkin },
  traces: { error: busy, throttle: tooMany, read: readTraces },
  splunk: {
    error: { status: 500, body: '{"text":"Internal server error","code":8}' },
    throttle: { status: 503, body: '{"text":"Server is busy","code":9}' },
    read: readHec,
  },
}

/** The environment variable that holds the token of Splunk's collector. */
const TOKEN = "OUTAGE_HEC_TOKEN"

/** @param base second octet of addresses that nobody else uses */
export async function startReceivers(folder: string, base: number): Promise<Receivers> {
  const undo: (() => Promise<unknown>)[] = []
  const stop = async (): Promise<void> => {
    for (const step of undo.splice(0).toReversed()) await step()
  }
  try {
    const [aws, hec, zipkin, otlp] = await Promise.all([
      startFakeAws(),
      startFakeHec(),
      startIntake("zipkin-json"),
      startIntake("otlp"),
    ])
    undo.push(() => Promise.all([aws, hec, zipkin, otlp].map((one) => one.stop())))
    hec.allowIndex(HEC_INDEX)
    const prometheus = await Prometheus.start({
      binary: await component("prometheus"),
      folder: join(folder, "prometheus"),
      listen: `127.${base}.7.100:9090`,
      intervalMs: 1000,
      receives: true,
    })
    undo.push(() => prometheus.stop())
    const behind: Readonly<Record<DoorName, string>> = {
      logs: aws.url,
      metrics: aws.url,
      xray: aws.url,
      remoteWrite: prometheus.url,
      zipkin: `http://${zipkin.host}:${zipkin.port}`,
      traces: `http://${otlp.host}:${otlp.port}`,
      splunk: hec.url,
    }
    const door = (name: DoorName): Door =>
      new Door({
        host: `127.${base}.7.${1 + DOORS.indexOf(name)}`,
        port: 8080,
        to: behind[name],
        ...BEHAVIOURS[name],
      })
    const doors = {
      logs: door("logs"),
      metrics: door("metrics"),
      xray: door("xray"),
      remoteWrite: door("remoteWrite"),
      zipkin: door("zipkin"),
      traces: door("traces"),
      splunk: door("splunk"),
    }
    for (const name of DOORS) {
      await doors[name].start()
      undo.push(() => doors[name].stop())
    }
    const env = {
      ...aws.env,
      AWS_ENDPOINT_URL_CLOUDWATCH_LOGS: doors.logs.url,
      AWS_ENDPOINT_URL_CLOUDWATCH: doors.metrics.url,
      AWS_ENDPOINT_URL_XRAY: doors.xray.url,
      [TOKEN]: hec.token,
    }
    return { doors, aws, hec, prometheus, zipkin, otlp, env, publish: publishTo(doors), stop }
  } catch (error) {
    await stop()
    throw error
  }
}

const publishTo = (doors: Readonly<Record<DoorName, Door>>): Receivers["publish"] => ({
  cloudwatchLogs: {},
  cloudwatchMetrics: { interval: "10s" },
  cloudwatchOtlp: { interval: "10s", fullEvery: "30s", timeout: "3s" },
  remoteWrite: { url: `${doors.remoteWrite.url}/api/v1/write`, interval: "5s", timeout: "3s" },
  xray: { timeout: "3s" },
  zipkin: { endpoint: doors.zipkin.url, timeout: "3s" },
  otlpTraces: { endpoint: doors.traces.url, timeout: "3s" },
  splunk: {
    endpoint: doors.splunk.url,
    token: { env: TOKEN },
    timeout: "3s",
    metrics: { index: HEC_INDEX, interval: "10s" },
  },
})
