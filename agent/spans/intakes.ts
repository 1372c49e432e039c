import { socketAddressText } from "#mesh/address.ts"
import type { Clock } from "#mesh/clock.ts"
import type { SocketAddress } from "#mesh/proxy.ts"
import { HttpIntake } from "../collect/receive/http-intake.ts"
import {
  type BodyForm,
  OTLP_ANSWERS,
  type Taken,
  ZIPKIN_ANSWERS,
} from "../collect/receive/http-intake-answer.ts"
import type { HttpIntakeCounters } from "../collect/receive/http-intake-counters.ts"
import { GrpcIntake } from "../collect/receive/http-intake-grpc.ts"
import { startXrayProxy } from "../collect/receive/xray-proxy.ts"
import { startXrayUdp } from "../collect/receive/xray-udp.ts"
import type { ReceiveConfig } from "../config/receive-schema.ts"
import { readOtlpJson } from "../decode/spans/otlp-json.ts"
import { readOtlpProtobuf } from "../decode/spans/otlp-protobuf.ts"
import type { SpanVisitor } from "../decode/spans/span-visitor.ts"
import { makeXrayDecoder } from "../decode/spans/xray.ts"
import { readZipkinJson } from "../decode/spans/zipkin-json.ts"
import { readZipkinProtobuf } from "../decode/spans/zipkin-protobuf.ts"
import { makeXrayUpstream } from "../publish/xray/upstream.ts"
import type { SpanReception } from "../resolve/spans/way.ts"
import type { Log } from "../telemetry/log.ts"
import type { Telemetry } from "../telemetry/telemetry.ts"
import { hostAddresses } from "./reception.ts"
import type { Intake, Spans } from "./spans.ts"

export interface IntakesDeps {
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
  readonly spans: Spans
  /** Names and addresses of this agent that proxies may use, beside those of its host. */
  readonly hosts: readonly string[]
}

/** What was begun, and how it ends. */
interface Running {
  readonly listens: SpanReception["listens"]
  stop(): Promise<void>
}

/**
 * Takes spans from whoever sends them, as configured.
 * @returns ends it
 * @throws MeshscopeError LISTEN_FAILED
 */
export async function startIntakes(config: ReceiveConfig, deps: IntakesDeps): Promise<() => Promise<void>> {
  const running: Running[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(running.splice(0).map((one) => one.stop()))
  }
  try {
    if (config.xray !== undefined) running.push(await startXray(config.xray, deps))
    if (config.zipkin !== undefined) running.push(await startZipkin(config.zipkin, deps))
    if (config.otlp !== undefined) running.push(await startOtlp(config.otlp, deps))
  } catch (error) {
    await stop()
    throw error
  }
  const listens = Object.assign({}, ...running.map((one) => one.listens))
  deps.spans.listens({ listens, hosts: new Set([...hostAddresses(), ...deps.hosts]) })
  return stop
}

async function startXray(config: NonNullable<ReceiveConfig["xray"]>, deps: IntakesDeps): Promise<Running> {
  const { clock, log, telemetry, spans } = deps
  const decoder = makeXrayDecoder()
  const upstream = makeXrayUpstream({ now: () => clock.now() })
  const udp = await startXrayUdp(
    { listen: config.udp, receiveBufferBytes: config.receiveBuffer, share: config.share },
    { clock, document: (bytes) => void decoder.decode(bytes, (span) => spans.take("xray", span)) },
  )
  const proxy = await startXrayProxy({ listen: config.tcp, paths: config.paths }, upstream).catch(
    async (error: unknown) => {
      await udp.stop()
      throw error
    },
  )
  telemetry.observe("intakeRequests", (tell) => {
    const { passed, dropped, kernelDropped } = udp.counters()
    tell(passed, { intake: "xray-udp", result: "ok" })
    for (const [reason, count] of Object.entries(dropped)) tell(count, { intake: "xray-udp", result: reason })
    tell(kernelDropped, { intake: "xray-udp", result: "kernel_dropped" })
    for (const [result, count] of Object.entries(proxy.counters()))
      tell(count, { intake: "xray-tcp", result })
  })
  telemetry.observe("spansRefused", (tell) => {
    const { dropped, unread } = decoder.counters()
    for (const [reason, count] of Object.entries(dropped)) tell(count, { intake: "xray", reason })
    tell(unread, { intake: "xray", reason: "unread_subsegment" })
  })
  telemetry.observe("spanPartsCut", (tell) => tell(decoder.counters().cutAttributes, { intake: "xray" }))
  log.info("Takes segments as the X-Ray daemon does.", {
    udp: socketAddressText(udp.address),
    tcp: socketAddressText(proxy.address),
  })
  return {
    listens: { "xray-udp": udp.address },
    async stop() {
      await Promise.all([udp.stop(), proxy.stop()])
      await upstream.stop()
    },
  }
}

async function startZipkin(
  config: NonNullable<ReceiveConfig["zipkin"]>,
  deps: IntakesDeps,
): Promise<Running> {
  const take = taker("zipkin", { json: readZipkinJson, protobuf: readZipkinProtobuf }, deps)
  const intake = new HttpIntake(
    intakeConfig(config, config.listen, "receive.zipkin.listen"),
    [{ path: "/api/v2/spans", answers: ZIPKIN_ANSWERS, take }],
    failures("receive.zipkin", deps),
  )
  const address = await intake.start()
  observeIntake("zipkin", () => intake.counters(), deps)
  deps.log.info("Takes spans of Zipkin's tracers.", { address })
  return { listens: { zipkin: bound(config.listen, address) }, stop: () => intake.stop() }
}

async function startOtlp(config: NonNullable<ReceiveConfig["otlp"]>, deps: IntakesDeps): Promise<Running> {
  const take = taker("otlp", { json: readOtlpJson, protobuf: readOtlpProtobuf }, deps)
  const http = new HttpIntake(
    intakeConfig(config, config.listen, "receive.otlp.listen"),
    [{ path: "/v1/traces", answers: OTLP_ANSWERS, take }],
    failures("receive.otlp", deps),
  )
  const grpc = new GrpcIntake(
    intakeConfig(config, config.grpc, "receive.otlp.grpc"),
    take,
    failures("receive.otlp", deps),
  )
  const address = await http.start()
  const grpcAddress = await grpc.start().catch(async (error: unknown) => {
    await http.stop()
    throw error
  })
  observeIntake("otlp", () => http.counters(), deps)
  observeIntake("otlp-grpc", () => grpc.counters(), deps)
  deps.log.info("Takes spans by OTLP.", { address, grpc: grpcAddress })
  return {
    listens: { otlp: bound(config.listen, address), "otlp-grpc": bound(config.grpc, grpcAddress) },
    async stop() {
      await Promise.all([http.stop(), grpc.stop()])
    },
  }
}

type Limits = Pick<
  NonNullable<ReceiveConfig["zipkin"]>,
  "maxBodyBytes" | "maxInflatedBytes" | "maxConnections" | "timeout"
>

function intakeConfig(limits: Limits, listen: SocketAddress, setting: string) {
  const { maxBodyBytes, maxInflatedBytes, maxConnections, timeout } = limits
  return { listen, setting, maxBodyBytes, maxInflatedBytes, maxConnections, timeoutMs: timeout }
}

/** What no reader expected: the sender is answered, and the log says it. */
function failures(target: string, { log }: IntakesDeps): { failed: (error: unknown) => void } {
  return {
    failed: (error) => log.error("Spans could not be read.", { code: "INTAKE_MALFORMED", target, error }),
  }
}

/** Configured port 0 becomes the one that was taken. */
function bound({ host }: SocketAddress, address: string): SocketAddress {
  return { host, port: Number(new URL(address).port) }
}

/** Reads bodies and counts what of them is no good, which their senders are told. */
function taker(
  intake: Intake,
  read: Readonly<Record<BodyForm, (body: Uint8Array, visitor: SpanVisitor) => void>>,
  { telemetry, spans }: IntakesDeps,
): (body: Buffer, form: BodyForm) => Taken {
  const refused = new Map<string, number>()
  let cutParts = 0
  telemetry.observe("spansRefused", (tell) => {
    for (const [reason, count] of refused) tell(count, { intake, reason })
  })
  telemetry.observe("spanPartsCut", (tell) => tell(cutParts, { intake }))
  return (body, form) => {
    let rejected = 0
    let why = ""
    read[form](body, {
      span: (span) => spans.take(intake, span),
      refused(reason, count) {
        rejected += count
        why = `${count} spans were refused: ${reason}`
        refused.set(reason, (refused.get(reason) ?? 0) + count)
      },
      cut(parts) {
        cutParts += parts
      },
    })
    return { kind: "taken", rejected, ...(why === "" ? {} : { why }) }
  }
}

function observeIntake(intake: string, counters: () => HttpIntakeCounters, { telemetry }: IntakesDeps): void {
  telemetry.observe("intakeRequests", (tell) => {
    const { requests, droppedConnections } = counters()
    for (const [result, count] of Object.entries(requests)) tell(count, { intake, result })
    tell(droppedConnections, { intake, result: "too_many_connections" })
  })
}
