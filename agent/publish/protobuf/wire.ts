/** Protobuf's wire format, as far as we write it (protobuf.dev, "Encoding"). Tags are below 128: one byte each. */

/** Bytes that a varint takes. */
export function varintBytes(value: number): number {
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

/** Writes a whole number, 0 or more, and answers where the next byte goes. */
export function putVarint(out: Uint8Array, at: number, value: number): number {
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
