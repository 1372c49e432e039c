import { double, limit, skip, text, varint, type Wire } from "./wire.ts"

/** An attribute whose value is no text, number or truth value. Such a point is rejected by whoever looks at the text. */
export const UNSUPPORTED = "\u0000unsupported"

/** Ranges of all attributes between here and `end`: start, end, start, end... */
export function readAttributeRanges(wire: Wire, end: number, attributeTag: number): number[] {
  const ranges: number[] = []
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === attributeTag) {
      const stop = limit(wire, end)
      ranges.push(wire.at, stop)
      wire.at = stop
    } else skip(wire, tag, end)
  }
  return ranges
}

/** Name, value, name, value... Numbers and truth values become their text. */
export function readAttributes(wire: Wire, ranges: readonly number[]): string[] {
  const pairs: string[] = []
  for (let index = 0; index + 1 < ranges.length; index += 2) {
    wire.at = ranges[index] ?? 0
    readAttribute(wire, ranges[index + 1] ?? 0, pairs)
  }
  return pairs
}

/** KeyValue: key = 1, value = 2 (AnyValue). */
function readAttribute(wire: Wire, end: number, pairs: string[]): void {
  let name = ""
  let value = ""
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) name = text(wire, end)
    else if (tag === 18) value = readValue(wire, limit(wire, end))
    else skip(wire, tag, end)
  }
  pairs.push(name, value)
}

/** AnyValue: string = 1, bool = 2, int = 3, double = 4, array = 5, kvlist = 6, bytes = 7. Nothing is nested into. */
function readValue(wire: Wire, end: number): string {
  let value = ""
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) value = text(wire, end)
    else if (tag === 16) value = varint(wire, end) === 0 ? "false" : "true"
    else if (tag === 24) value = signedVarint(wire, end)
    else if (tag === 33) value = String(double(wire, end))
    else {
      if (tag === 42 || tag === 50 || tag === 58) value = UNSUPPORTED
      skip(wire, tag, end)
    }
  }
  return value
}

/** int64 as protobuf writes it: negative numbers take ten bytes in two's complement. */
function signedVarint(wire: Wire, end: number): string {
  const start = wire.at
  varint(wire, end)
  let value = 0n
  for (let at = wire.at - 1; at >= start; at--) value = (value << 7n) | BigInt((wire.bytes[at] ?? 0) & 127)
  return BigInt.asIntN(64, value).toString()
}
