import { MeshscopeError } from "#mesh/errors.ts"

/**
 * A place in protobuf bytes. The caller owns `bytes`; nothing here keeps or changes them. Every read is checked against
 * the `end` of the message that it belongs to, so no length can point outside. Tags are field << 3 | wire type
 * (protobuf.dev, "Encoding").
 */
export interface Wire {
  readonly bytes: Buffer
  at: number
}

export function wireOf(bytes: Uint8Array): Wire {
  return { bytes: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0 }
}

/** `why` ends the sentence "The body ...". */
export function malformed(why: string, at?: number): MeshscopeError {
  return new MeshscopeError("INTAKE_MALFORMED", `The body ${why}${at === undefined ? "" : ` at byte ${at}`}.`)
}

/** An unsigned varint of up to 10 bytes; above 2^53 it loses low bits. */
export function varint(wire: Wire, end: number): number {
  let value = 0
  let scale = 1
  for (let index = 0; index < 10; index++) {
    if (wire.at >= end) throw malformed("ends inside a number", wire.at)
    const byte = wire.bytes[wire.at++] ?? 0
    value += (byte & 127) * scale
    if (byte < 128) return value
    scale *= 128
  }
  throw malformed("holds a number longer than 10 bytes", wire.at)
}

/** `int64`: negative numbers take ten bytes in two's complement. Exact, so a text where a number is not. */
export function signedVarint(wire: Wire, end: number): number | string {
  const start = wire.at
  const value = varint(wire, end)
  if (value <= Number.MAX_SAFE_INTEGER) return value
  let exact = 0n
  for (let at = wire.at - 1; at >= start; at--) exact = (exact << 7n) | BigInt((wire.bytes[at] ?? 0) & 127)
  const signed = BigInt.asIntN(64, exact)
  const number = Number(signed)
  return Number.isSafeInteger(number) ? number : signed.toString()
}

/** Reads a length and answers where that message ends. */
export function limit(wire: Wire, end: number): number {
  const length = varint(wire, end)
  if (length > end - wire.at) throw malformed(`holds a length of ${length} that points outside`, wire.at)
  return wire.at + length
}

function fixed(wire: Wire, end: number, bytes: number): number {
  const { at } = wire
  if (bytes > end - at) throw malformed("ends inside a fixed number", at)
  wire.at = at + bytes
  return at
}

export function double(wire: Wire, end: number): number {
  return wire.bytes.readDoubleLE(fixed(wire, end, 8))
}

/** `fixed64` as a number; exact up to 2^53. */
export function fixed64(wire: Wire, end: number): number {
  const at = fixed(wire, end, 8)
  return wire.bytes.readUInt32LE(at) + wire.bytes.readUInt32LE(at + 4) * 2 ** 32
}

/** `fixed64` of nanoseconds as whole microseconds, rounded down; exact, since 2^32 = 4294967 * 1000 + 296. */
export function microsecondsOfNanos(wire: Wire, end: number): number {
  const at = fixed(wire, end, 8)
  const low = wire.bytes.readUInt32LE(at)
  const high = wire.bytes.readUInt32LE(at + 4)
  return high * 4_294_967 + Math.floor((high * 296 + low) / 1000)
}

/** Text; bytes that are no UTF-8 become U+FFFD. */
export function text(wire: Wire, end: number): string {
  const stop = limit(wire, end)
  const start = wire.at
  wire.at = stop
  return wire.bytes.toString("utf8", start, stop)
}

/** Bytes as lower-case hexadecimal digits. @param most longer ones are refused */
export function hex(wire: Wire, end: number, most: number): string {
  const stop = limit(wire, end)
  const start = wire.at
  if (stop - start > most) throw malformed(`holds an id of more than ${most} bytes`, start)
  wire.at = stop
  return wire.bytes.toString("hex", start, stop)
}

/** Steps over a field that nobody asked for. Groups, which could be nested, and field number 0 are refused. */
export function skip(wire: Wire, tag: number, end: number): void {
  if (tag < 8) throw malformed("holds a field without a number", wire.at)
  switch (tag % 8) {
    case 0:
      varint(wire, end)
      return
    case 1:
      fixed(wire, end, 8)
      return
    case 2:
      wire.at = limit(wire, end)
      return
    case 5:
      fixed(wire, end, 4)
      return
    default:
      throw malformed(`holds a field of wire type ${tag % 8}, which is not read`, wire.at)
  }
}
