import { bytesField, textField } from "../protobuf/wire.ts"

/** A `fixed64` field of nanoseconds since the epoch. */
export function timeField(tag: number, ms: number): Buffer {
  const out = Buffer.alloc(9)
  out[0] = tag
  out.writeBigUInt64LE(BigInt(Math.max(0, Math.round(ms))) * 1_000_000n, 1)
  return out
}

/** `opentelemetry.proto.common.v1.KeyValue` with a text value, as a field of its owner. */
export function textAttribute(tag: number, key: string, value: string): Buffer {
  return bytesField(tag, Buffer.concat([textField(0x0a, key), bytesField(0x12, textField(0x0a, value))]))
}
