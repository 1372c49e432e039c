/** What a datagram for the X-Ray daemon was refused for. */
export type DatagramFault = "bad_header" | "no_document"

const NEWLINE = 0x0a
/** A header is about 30 bytes; one that is longer holds something else. */
const MAX_HEADER_BYTES = 1024
/** What every known sender writes, so that it need not be parsed. */
const USUAL = ['{"format":"json","version":1}', '{"format": "json", "version": 1}'].map((text) =>
  Buffer.from(`${text}\n`),
)

/**
 * Where the document begins in a datagram: a line of JSON that says `format` json and `version` 1, a line feed, and the
 * document. Only the first line feed divides, and neither keys nor format care for case, as with the daemon
 * (github.com/aws/aws-xray-daemon, cmd/tracing/daemon.go, pkg/tracesegment).
 */
export function documentStart(datagram: Buffer): number | DatagramFault {
  const usual = USUAL.find((header) => datagram.length >= header.length && startsWith(datagram, header))
  const newline = usual === undefined ? datagram.indexOf(NEWLINE) : usual.length - 1
  if (newline < 0 || newline > MAX_HEADER_BYTES) return "bad_header"
  if (usual === undefined && !isHeader(datagram.toString("utf8", 0, newline))) return "bad_header"
  return newline + 1 < datagram.length ? newline + 1 : "no_document"
}

function startsWith(bytes: Buffer, start: Buffer): boolean {
  return bytes.compare(start, 0, start.length, 0, start.length) === 0
}

function isHeader(text: string): boolean {
  let header: unknown
  try {
    header = JSON.parse(text)
  } catch {
    return false
  }
  if (typeof header !== "object" || header === null) return false
  const values = new Map(Object.entries(header).map(([key, value]) => [key.toLowerCase(), value as unknown]))
  const format = values.get("format")
  return typeof format === "string" && format.toLowerCase() === "json" && values.get("version") === 1
}
