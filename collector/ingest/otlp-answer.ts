/** Answers in the encoding of the request, as OTLP/HTTP asks (opentelemetry-specification protocol/otlp.md, "Failures"). */
export type Encoding = "protobuf" | "json"

export const CONTENT_TYPES: Readonly<Record<Encoding, string>> = {
  protobuf: "application/x-protobuf",
  json: "application/json",
}

/** ExportMetricsServiceResponse: partial_success = 1 { rejected_data_points = 1, error_message = 2 }; empty when all was taken. */
export function successBody(encoding: Encoding, rejected: number, reason: string): Uint8Array<ArrayBuffer> {
  if (encoding === "json") {
    const partialSuccess = { rejectedDataPoints: String(rejected), errorMessage: reason }
    return copy(Buffer.from(JSON.stringify(rejected === 0 ? {} : { partialSuccess })))
  }
  if (rejected === 0) return new Uint8Array()
  return copy(field(10, Buffer.concat([Buffer.from([8]), varint(rejected), field(18, Buffer.from(reason))])))
}

/** google.rpc.Status: code = 1, message = 2. Code 3 is INVALID_ARGUMENT, 8 RESOURCE_EXHAUSTED, 16 UNAUTHENTICATED. */
export function statusBody(encoding: Encoding, code: number, message: string): Uint8Array<ArrayBuffer> {
  if (encoding === "json") return copy(Buffer.from(JSON.stringify({ code, message })))
  return copy(Buffer.concat([Buffer.from([8]), varint(code), field(18, Buffer.from(message))]))
}

function field(tag: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag]), varint(bytes.length), bytes])
}

function varint(value: number): Buffer {
  const bytes: number[] = []
  let rest = value
  while (rest > 127) {
    bytes.push((rest % 128) | 128)
    rest = Math.floor(rest / 128)
  }
  bytes.push(rest)
  return Buffer.from(bytes)
}

/** Out of Node's shared pool, as an own array that a Response may hold. */
function copy(bytes: Buffer): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(bytes)
}
