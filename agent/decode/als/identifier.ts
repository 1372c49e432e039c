import { limit, skip, text, varint, wireOf } from "../protobuf-wire.ts"

/** Who streams; told in the first message of a stream alone. */
export interface AlsIdentifier {
  readonly nodeId: string
  readonly logName: string
}

/** No node id of a control plane is as long: an ARN has some 200 bytes. */
const LONGEST = 1024

/**
 * `StreamAccessLogsMessage.identifier` 1 (als.proto): node 1 with id 1, log_name 2. Everything else in the node, some 500
 * extensions and the metadata, is stepped over.
 * @returns undefined where the message has none, or one that is too long
 * @throws MeshscopeError INTAKE_MALFORMED
 */
export function readIdentifier(message: Buffer): AlsIdentifier | undefined {
  const wire = wireOf(message)
  const end = message.length
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag !== 10) {
      skip(wire, tag, end)
      continue
    }
    const stop = limit(wire, end)
    let nodeId = ""
    let logName = ""
    while (wire.at < stop) {
      const member = varint(wire, stop)
      if (member === 18) logName = text(wire, stop)
      else if (member !== 10) skip(wire, member, stop)
      else {
        const nodeEnd = limit(wire, stop)
        while (wire.at < nodeEnd) {
          const part = varint(wire, nodeEnd)
          if (part === 10) nodeId = text(wire, nodeEnd)
          else skip(wire, part, nodeEnd)
        }
      }
    }
    return nodeId.length > LONGEST || logName.length > LONGEST ? undefined : { nodeId, logName }
  }
  return undefined
}
