/** What a line of a proxy's output can be besides an access line. */
export const LineKind = {
  /** Envoy's own log: `[2023-08-15 08:04:18.669][15][info][main] …`. */
  envoyLog: 0,
  /** The App Mesh agent's: the same with `[AppNet Agent]` in fourth place, or logrus' `time="…" level=…`. */
  agentLog: 1,
  /** An outlier detection event: a JSON object with `type` and `action`. */
  outlierEvent: 2,
  other: 3,
} as const

const AGENT = Buffer.from("[AppNet Agent]")
const LOGRUS = Buffer.from('time="')
const TYPE = Buffer.from('"type":')
const ACTION = Buffer.from('"action":')
/** `[2023-08-15 08:04:18.669][`; d is a digit, everything else itself. */
const STAMP = "[dddd-dd-dd dd:dd:dd.ddd]["
/** Thread, level and logger stand between the stamp and the agent's mark. */
const MARK_WITHIN = 96

/** Says what a line is that no access-log decoder took. Looks at the first bytes; at a whole line only for JSON. */
export function classifyLine(bytes: Buffer, start: number, end: number): number {
  const first = start < end ? bytes[start] : 0
  if (first === 91 && stamped(bytes, start, end)) {
    const mark = Math.min(end, start + STAMP.length + MARK_WITHIN)
    return contains(bytes, AGENT, start + STAMP.length - 1, mark) ? LineKind.agentLog : LineKind.envoyLog
  }
  if (first === 123 && contains(bytes, TYPE, start, end) && contains(bytes, ACTION, start, end)) {
    return LineKind.outlierEvent
  }
  return first === LOGRUS[0] && contains(bytes, LOGRUS, start, Math.min(end, start + LOGRUS.length))
    ? LineKind.agentLog
    : LineKind.other
}

function stamped(bytes: Buffer, start: number, end: number): boolean {
  if (end - start < STAMP.length) return false
  for (let index = 0; index < STAMP.length; index++) {
    const wanted = STAMP.charCodeAt(index)
    const byte = bytes[start + index] ?? 0
    if (wanted === 100 ? byte < 48 || byte > 57 : byte !== wanted) return false
  }
  return true
}

function contains(bytes: Buffer, text: Buffer, start: number, end: number): boolean {
  return bytes.subarray(start, end).includes(text)
}
