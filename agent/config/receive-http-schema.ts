import * as z from "zod"
import { listenAddressSchema } from "#mesh/address.ts"
import { byteSize, duration } from "#mesh/quantities.ts"

/** What both intakes of spans by HTTP bound. */
const LIMITS = {
  maxBodyBytes: byteSize({ min: "64KiB", max: "64MiB" })
    .prefault("4MiB")
    .describe(
      "Largest body, as sent. A larger one is refused with 413. Eight such bodies are read at one time.",
    ),
  maxInflatedBytes: byteSize({ min: "64KiB", max: "256MiB" })
    .prefault("16MiB")
    .describe("Largest body after decompression."),
  maxConnections: z
    .int({ error: "expects a whole number from 1 to 10000" })
    .min(1, { error: "expects a whole number from 1 to 10000" })
    .max(10_000, { error: "expects a whole number from 1 to 10000" })
    .default(256)
    .describe("Most connections at one time. More are closed at once and counted."),
  timeout: duration({ min: "1s", max: "5m" })
    .prefault("30s")
    .describe("How long one request may take to arrive, and how long a connection may be idle."),
}

/** Spans from Zipkin's tracers: App Mesh's "Jaeger" among them, which is Zipkin. */
export const receiveZipkinSchema = z.strictObject({
  listen: listenAddressSchema()
    .prefault("127.0.0.1:9411")
    .describe(
      "Where `POST /api/v2/spans` is taken, JSON and protobuf. Only this host reaches the default; write the host's address where proxies send to it.",
    ),
  ...LIMITS,
})

/** Spans by OTLP. 4318, the usual port of OTLP/HTTP, is that of Meshscope's collector, which may run on the same host. */
export const receiveOtlpSchema = z.strictObject({
  listen: listenAddressSchema()
    .prefault("127.0.0.1:4319")
    .describe(
      "Where `POST /v1/traces` is taken, protobuf and JSON. 4318, the usual port, is the collector's; write it here where no collector runs on this host.",
    ),
  grpc: listenAddressSchema()
    .prefault("127.0.0.1:4317")
    .describe("Where OTLP over gRPC is taken, without TLS. Envoy's OpenTelemetry tracer speaks it."),
  ...LIMITS,
})
