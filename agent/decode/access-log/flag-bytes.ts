import { FLAGS, flagBit, OTHER_FLAG } from "#mesh/flags.ts"

const COMMA = 44

/** Short names packed five bits a letter, so that finding one allocates nothing. Flags have at most six letters. */
const PACKED: ReadonlyMap<number, number> = new Map(
  FLAGS.map((flag) => [
    Buffer.from(flag.name).reduce((key, letter) => key * 32 + (letter & 31), 0),
    flag.bit,
  ]),
)

/** Bits of comma-joined short names, in any order. A name that is not known sets `OTHER_FLAG`. */
export function readFlags(bytes: Buffer, start: number, end: number): number {
  let bits = 0
  let key = 0
  let length = 0
  let odd = false
  for (let at = start; at <= end; at++) {
    const byte = at === end ? COMMA : (bytes[at] ?? 0)
    if (byte === COMMA) {
      bits |= odd || length > 6 ? OTHER_FLAG : (PACKED.get(key) ?? OTHER_FLAG)
      key = length = 0
      odd = false
    } else {
      if (byte < 65 || byte > 90) odd = true
      if (length < 6) key = key * 32 + (byte & 31)
      length += 1
    }
  }
  return bits
}

/** `%RESPONSE_FLAGS_LONG%`: the same flags spelled out. Source: Envoy, substitution formatter. */
const LONG: ReadonlyMap<string, number> = new Map(
  (
    [
      ["NoHealthyUpstream", "UH"],
      ["UpstreamConnectionFailure", "UF"],
      ["UpstreamOverflow", "UO"],
      ["NoRouteFound", "NR"],
      ["UpstreamRetryLimitExceeded", "URX"],
      ["NoClusterFound", "NC"],
      ["DurationTimeout", "DT"],
      ["DownstreamConnectionTermination", "DC"],
      ["FailedLocalHealthCheck", "LH"],
      ["UpstreamRequestTimeout", "UT"],
      ["LocalReset", "LR"],
      ["UpstreamRemoteReset", "UR"],
      ["UpstreamConnectionTermination", "UC"],
      ["DelayInjected", "DI"],
      ["FaultInjected", "FI"],
      ["RateLimited", "RL"],
      ["UnauthorizedExternalService", "UAEX"],
      ["RateLimitServiceError", "RLSE"],
      ["InvalidEnvoyRequestHeaders", "IH"],
      ["StreamIdleTimeout", "SI"],
      ["DownstreamProtocolError", "DPE"],
      ["UpstreamProtocolError", "UPE"],
      ["UpstreamMaxStreamDurationReached", "UMSDR"],
      ["ResponseFromCacheFilter", "RFCF"],
      ["NoFilterConfigFound", "NFCF"],
      ["OverloadManagerTerminated", "OM"],
      ["DnsResolutionFailed", "DF"],
      ["DropOverload", "DO"],
      ["DownstreamRemoteReset", "DR"],
      ["UnconditionalDropOverload", "UDO"],
    ] as const
  ).map(([long, short]) => [long, flagBit(short)]),
)

/** Bits of comma-joined long names. */
export function readLongFlags(bytes: Buffer, start: number, end: number): number {
  if (end - start > 1024) return OTHER_FLAG
  const names = bytes.toString("latin1", start, end).split(",")
  return names.reduce((bits, name) => bits | (LONG.get(name) ?? OTHER_FLAG), 0)
}
