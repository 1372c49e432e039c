/** How a value counts. `timer`: one observation, ms. */
export type PushedKind = "counter" | "gauge" | "timer"

/**
 * Why a line is passed over. `not_envoy`: its name is not of an Envoy. `left_out`: a histogram that no number is made of,
 * or one in a form that cannot be added up exactly. `sampled`: it stands for an unknown number of others.
 */
export type LineFault =
  | "too_long"
  | "not_envoy"
  | "no_value"
  | "bad_value"
  | "bad_name"
  | "bad_tag"
  | "sampled"
  | "left_out"

const COLON = 58
const BAR = 124
const AT = 64
const HASH = 35
const ZERO = 48
const DOT = 46
const PREFIX = Buffer.from("envoy.")
/** Digits of a counter's step: what is added up stays exact. */
const MOST_DIGITS = 15
/** Gauges are 64 bits. */
const MOST_GAUGE_DIGITS = 20

/** One line of DogStatsD, as Envoy's sink writes it. Reused: valid until the next one is read. */
export interface PushedLine {
  kind: PushedKind
  value: number
  /** What tells the series: the line without its value. One character a byte. */
  key: string
}
export const makePushedLine = (): PushedLine => ({ kind: "counter", value: 0, key: "" })

/**
 * Reads `name:value|kind|#tag:value,…` in `[start, end)`. A name has neither colon nor bar; Envoy writes both otherwise.
 * Tags may hold either, as Istio's clusters do. Source: Envoy's `source/extensions/stat_sinks/common/statsd/statsd.cc`.
 */
export function readPushedLine(
  bytes: Buffer,
  start: number,
  end: number,
  into: PushedLine,
): LineFault | undefined {
  if (bytes.compare(PREFIX, 0, PREFIX.length, start, Math.min(end, start + PREFIX.length)) !== 0)
    return "not_envoy"
  const colon = within(bytes, COLON, start, end)
  const bar = colon < 0 ? -1 : within(bytes, BAR, colon + 1, end)
  if (bar < 0) return "no_value"
  const kind = kindAt(bytes, bar + 1, end)
  if (kind === undefined) return "left_out"
  const tags = bar + 1 + (kind === "timer" ? 2 : 1)
  if (tags < end && (bytes[tags] !== BAR || bytes[tags + 1] !== HASH))
    return bytes[tags] === BAR && bytes[tags + 1] === AT ? "sampled" : "left_out"
  const value = valueOf(bytes, colon + 1, bar, kind)
  if (Number.isNaN(value)) return "bad_value"
  into.kind = kind
  into.value = value
  into.key = bytes.toString("latin1", start, colon) + bytes.toString("latin1", bar, end)
  return undefined
}

function within(bytes: Buffer, wanted: number, start: number, end: number): number {
  for (let at = start; at < end; at++) if (bytes[at] === wanted) return at
  return -1
}

function kindAt(bytes: Buffer, at: number, end: number): PushedKind | undefined {
  const first = bytes[at]
  if (first === 0x6d && at + 1 < end && bytes[at + 1] === 0x73) return "timer"
  if (at + 1 < end && bytes[at + 1] !== BAR) return undefined
  if (at < end && first === 0x63) return "counter"
  return at < end && first === 0x67 ? "gauge" : undefined
}

/** NaN for anything but digits, with a fraction where it is a time. A sign is none of Envoy's. */
function valueOf(bytes: Buffer, start: number, end: number, kind: PushedKind): number {
  if (end === start || end - start > (kind === "gauge" ? MOST_GAUGE_DIGITS : MOST_DIGITS)) return Number.NaN
  let value = 0
  let scale = 0
  for (let at = start; at < end; at++) {
    const digit = (bytes[at] ?? 0) - ZERO
    if (digit >= 0 && digit <= 9) {
      value = value * 10 + digit
      scale *= 10
    } else if (bytes[at] === DOT && kind === "timer" && scale === 0 && at > start && at + 1 < end) scale = 1
    else return Number.NaN
  }
  return scale === 0 ? value : value / scale
}
