import { readAttributeRanges, readAttributes } from "./otlp-attributes.ts"
import { limit, type Wire, wireOf } from "./wire.ts"

/**
 * Where the attributes of the point being read lie, so that their names are decoded only when asked. One per request,
 * so that a point allocates nothing but its key.
 */
export interface PointWire extends Wire {
  readonly buffer: Buffer
  pointStart: number
  pointEnd: number
  attributeTag: number
  from: number
  to: number
  contiguous: boolean
}

export function pointWire(bytes: Uint8Array): PointWire {
  return {
    ...wireOf(bytes),
    buffer: Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength),
    pointStart: 0,
    pointEnd: 0,
    attributeTag: 0,
    from: 0,
    to: 0,
    contiguous: true,
  }
}

/** A point begins here and goes to `end`. */
export function beginPoint(wire: PointWire, end: number, attributeTag: number): void {
  wire.pointStart = wire.at
  wire.pointEnd = end
  wire.attributeTag = attributeTag
  wire.from = wire.at
  wire.to = -1
  wire.contiguous = true
}

/** Steps over an attribute whose tag stands at `at`. */
export function takeAttribute(wire: PointWire, at: number, end: number): void {
  if (wire.to < 0) wire.from = at
  else if (wire.to !== at) wire.contiguous = false
  wire.at = limit(wire, end)
  wire.to = wire.at
}

/** The attributes as raw bytes, by one native copy; undefined where other fields stand between them (then no cache holds). */
export function attributeKey(wire: PointWire): string | undefined {
  if (!wire.contiguous) return undefined
  return wire.to < 0 ? "" : wire.buffer.toString("latin1", wire.from, wire.to)
}

/** Name, value, name, value... of the point that was read last. */
export function attributesOf(wire: PointWire): string[] {
  const kept = wire.at
  wire.at = wire.pointStart
  const pairs = readAttributes(wire, readAttributeRanges(wire, wire.pointEnd, wire.attributeTag))
  wire.at = kept
  return pairs
}
