/** What an `Export…ServiceResponse` tells. */
export interface PartialSuccess {
  readonly rejected: number
  readonly message: string
}

const NONE: PartialSuccess = { rejected: 0, message: "" }
const MAX_MESSAGE_CHARS = 300

/**
 * Reads `partial_success` (1) with `rejected_data_points` (1) and `error_message` (2); the same numbers hold for spans and
 * log records. Bytes that are no such message tell nothing: the status said that the request was taken.
 */
export function readExportResponse(body: Uint8Array): PartialSuccess {
  let found = NONE
  walk(body, (field, value) => {
    if (field !== 1 || typeof value === "number") return
    let rejected = 0
    let message = ""
    walk(value, (inner, content) => {
      if (inner === 1 && typeof content === "number") rejected = content
      if (inner === 2 && typeof content !== "number") message = Buffer.from(content).toString("utf8")
    })
    found = { rejected, message: message.slice(0, MAX_MESSAGE_CHARS) }
  })
  return found
}

/** `message` (2) of a `google.rpc.Status`, which is what OTLP/HTTP answers in place of a response; empty where there is none. */
export function readStatusMessage(body: Uint8Array): string {
  let message = ""
  walk(body, (field, value) => {
    if (field === 2 && typeof value !== "number") message = Buffer.from(value).toString("utf8")
  })
  return message.slice(0, MAX_MESSAGE_CHARS)
}

/** Calls back per field until the bytes end or make no sense. Fixed-width fields are passed over. */
function walk(bytes: Uint8Array, field: (number: number, value: number | Uint8Array) => void): void {
  let at = 0
  const varint = (): number => {
    let value = 0
    for (let scale = 1; at < bytes.length && scale <= 2 ** 63; scale *= 128) {
      const byte = bytes[at++] ?? 0
      value += (byte & 127) * scale
      if (byte < 128) return value
    }
    return Number.NaN
  }
  while (at < bytes.length) {
    const tag = varint()
    const number = Math.floor(tag / 8)
    const wire = tag % 8
    if (wire === 0) {
      const value = varint()
      if (Number.isNaN(value)) return
      field(number, value)
    } else if (wire === 2) {
      const length = varint()
      if (!(length <= bytes.length - at)) return
      field(number, bytes.subarray(at, at + length))
      at += length
    } else if (wire === 1 || wire === 5) at += wire === 1 ? 8 : 4
    else return
  }
}
