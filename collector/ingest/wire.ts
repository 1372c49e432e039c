import { MeshscopeError } from "#mesh/errors.ts"

/**
 * A place in protobuf bytes. The caller owns `bytes`; nothing here keeps or changes them.
 * Every read is checked against the `end` of the message it belongs to, so a length can never point outside.
 */
export interface Wire {
  readonly bytes: Uint8Array
  readonly view: DataView
  at: number
}

export function wireOf(bytes: Uint8Array): Wire {
  return { bytes, view: new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength), at: 0 }
}

/** Cold: keeps the readers small. `why` completes "OTLP body: ...". */
export function malformed(why: string, at?: number): MeshscopeError {
  const where = at === undefined ? "" : ` at byte ${at}`
  return new MeshscopeError("INTAKE_MALFORMED", `OTLP body: ${why}${where}`)
}

/** An unsigned varint of up to 10 bytes as a number; above 2^53 it loses low bits, which only unknown fields can hold. */
export function varint(wire: Wire, end: number): number {
  if (wire.at >= end) throw malformed("ends inside a number", wire.at)
  const first = wire.bytes[wire.at++] ?? 0
  return first < 128 ? first : longVarint(wire, end, first & 127)
}

function longVarint(wire: Wire, end: number, first: number): number {
  let value = first
  let scale = 128
  for (let index = 1; index < 10; index++) {
    if (wire.at >= end) throw malformed("ends inside a number", wire.at)
    const byte = wire.bytes[wire.at++] ?? 0
    value += (byte & 127) * scale
    if (byte < 128) return value
    scale *= 128
  }
  throw malformed("number longer than 10 bytes", wire.at)
}

/** Reads a length and answers where that message ends. */
export function limit(wire: Wire, end: number): number {
  const length = varint(wire, end)
  const stop = wire.at + length
  if (stop > end) throw malformed(`length ${length} points outside of its message`, wire.at)
  return stop
}

/** Position of 8 fixed bytes, already stepped over. */
function fixed64(wire: Wire, end: number): number {
  const at = wire.at
  if (at + 8 > end) throw malformed("ends inside a fixed number", at)
  wire.at = at + 8
  return at
}

export function double(wire: Wire, end: number): number {
  return wire.view.getFloat64(fixed64(wire, end), true)
}

/** Unsigned 64 bits as a number; exact up to 2^53. */
export function unsigned64(wire: Wire, end: number): number {
  const at = fixed64(wire, end)
  return wire.view.getUint32(at, true) + wire.view.getUint32(at + 4, true) * 4294967296
}

/** Signed 64 bits as a number; exact within +-2^53. */
export function signed64(wire: Wire, end: number): number {
  const at = fixed64(wire, end)
  return wire.view.getUint32(at, true) + wire.view.getInt32(at + 4, true) * 4294967296
}

/** Steps over a field that nobody asked for. Groups and field number 0 are refused. */
export function skip(wire: Wire, tag: number, end: number): void {
  if (tag < 8) throw malformed("field number 0", wire.at)
  switch (tag & 7) {
    case 0:
      varint(wire, end)
      return
    case 1:
      fixed64(wire, end)
      return
    case 2:
      wire.at = limit(wire, end)
      return
    case 5:
      if (wire.at + 4 > end) throw malformed("ends inside a fixed number", wire.at)
      wire.at += 4
      return
    default:
      throw malformed(`wire type ${tag & 7} is not used by OTLP`, wire.at)
  }
}

const decoder = new TextDecoder("utf-8", { fatal: true })

/** A string field. Throws on bytes that are not UTF-8, as the protocol demands. */
export function text(wire: Wire, end: number): string {
  const stop = limit(wire, end)
  const start = wire.at
  wire.at = stop
  return textBetween(wire, start, stop)
}

function textBetween(wire: Wire, start: number, stop: number): string {
  try {
    return decoder.decode(wire.bytes.subarray(start, stop))
  } catch (cause) {
    throw new MeshscopeError("INTAKE_MALFORMED", `OTLP body: text at byte ${start} is not UTF-8`, { cause })
  }
}
