/** Where Splunk files an event. What is empty, its token decides. */
export interface HecPlace {
  readonly host: string
  readonly source: string
  readonly sourcetype: string
  readonly index: string
}

/** Writes events as the collector takes them: metadata around any JSON. */
export interface HecEnvelope {
  /** A view, good until the next call. @param json one JSON value, which is not looked at. */
  wrap(timeMs: number, json: Uint8Array): Uint8Array
}

/** Metadata as members of JSON, each with a comma before it. */
export function placeMembers(place: HecPlace): string {
  const named = Object.entries(place).filter(([, value]) => value !== "")
  return named.map(([name, value]) => `,${JSON.stringify(name)}:${JSON.stringify(value)}`).join("")
}

/** Seconds since the epoch as the collector wants them: never with an exponent, which it refuses as code 15. */
export function hecTime(ms: number): string {
  return (Math.max(0, ms) / 1000).toFixed(3)
}

const TIME = '{"time":'
/** help.splunk.com, "Format events for HTTP Event Collector": metadata keys beside `event`. */
export function makeHecEnvelope(place: HecPlace): HecEnvelope {
  const middle = Buffer.from(`${placeMembers(place)},"event":`)
  let out = Buffer.allocUnsafe(65_536)
  return {
    wrap(timeMs, json) {
      const wanted = TIME.length + 32 + middle.length + json.length + 1
      if (wanted > out.length) out = Buffer.allocUnsafe(wanted * 2)
      let end = out.write(TIME + hecTime(timeMs), 0, "latin1")
      end += middle.copy(out, end)
      out.set(json, end)
      end += json.length
      out[end] = 0x7d
      return out.subarray(0, end + 1)
    },
  }
}
