import type { TracerSettings } from "../../../demo/control-plane/tracing.ts"
import type { Form } from "../../fixtures/spans/captured.ts"

interface Where {
  readonly host: string
  readonly port: number
}

/** An Envoy's tracer by the form of its spans. X-Ray's alone would leave requests out. */
export const TRACERS: Readonly<Record<Form, (where: Where) => TracerSettings>> = {
  xray: ({ host, port }) => ({ kind: "xray", host, port, samplingRate: 1 }),
  "zipkin-json": ({ host, port }) => ({ kind: "zipkin", host, port, json: true }),
  "zipkin-proto": ({ host, port }) => ({ kind: "zipkin", host, port }),
  otlp: ({ host, port }) => ({ kind: "otlp", host, port }),
}
