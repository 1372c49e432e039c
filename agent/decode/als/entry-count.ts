import { limit, skip, varint, wireOf } from "../protobuf-wire.ts"

/**
 * How many entries a message holds, without reading them.
 * @throws MeshscopeError INTAKE_MALFORMED
 */
export function countEntries(message: Buffer): number {
  const wire = wireOf(message)
  let count = 0
  while (wire.at < message.length) {
    const tag = varint(wire, message.length)
    if (tag !== 18 && tag !== 26) {
      skip(wire, tag, message.length)
      continue
    }
    const stop = limit(wire, message.length)
    while (wire.at < stop) {
      const entry = varint(wire, stop)
      skip(wire, entry, stop)
      if (entry === 10) count++
    }
  }
  return count
}
