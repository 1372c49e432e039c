/** Protobuf's wire format, as far as OTLP needs it (protobuf.dev, "Encoding"). Tags are below 128: one byte each. */

/** Bytes that a varint takes. */
function varintBytes(value: number): number {
  let bytes = 1
  for (let rest = value; rest >= 128; rest = Math.floor(rest / 128)) bytes++
  return bytes
}

/** Bytes of a field with a length: tag, length, content. */
export function fieldBytes(content: number): number {
  return 1 + varintBytes(content) + content
}

/** Writes tag and length of a field, answers where its content begins. */
export function putHead(out: Uint8Array, at: number, tag: number, length: number): number {
  out[at] = tag
  return putVarint(out, at + 1, length)
}

function putVarint(out: Uint8Array, at: number, value: number): number {
  let end = at
  let rest = value
  while (rest > 127) {
    out[end++] = (rest & 127) | 128
    rest = rest < 0x80000000 ? rest >>> 7 : Math.floor(rest / 128)
  }
  out[end++] = rest
  return end
}

/** A field with text or bytes, by itself. */
export function bytesField(tag: number, content: Uint8Array): Buffer {
  const out = Buffer.alloc(fieldBytes(content.length))
  out.set(content, putHead(out, 0, tag, content.length))
  return out
}

export function textField(tag: number, text: string): Buffer {
  return bytesField(tag, Buffer.from(text))
}

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
