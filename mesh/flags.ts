/**
 * Envoy's response flags. `bit` is ours; a name we do not know sets `OTHER_FLAG`.
 * `outcome` is what the flag alone decides (design: metrics, outcome table); undefined leaves it to the code.
 * Short names: Envoy, substitution formatter, `%RESPONSE_FLAGS%`.
 */
export interface Flag {
  readonly name: string
  readonly bit: number
  readonly outcome?: "error" | "aborted" | "client_error"
  /** A sentence that the page and the docs show. */
  readonly meaning: string
}

const rows: readonly [string, Flag["outcome"], string][] = [
  ["UH", "error", "no healthy upstream host"],
  ["UF", "error", "the upstream connection failed"],
  ["UO", "error", "a circuit breaker was full"],
  ["NR", undefined, "no route (or no filter chain) matched"],
  ["URX", "error", "retries or connection attempts were used up"],
  ["NC", "error", "the route's cluster does not exist"],
  ["DT", "error", "the connection reached its maximum duration"],
  ["DC", "aborted", "the caller closed the connection"],
  ["LH", "error", "the local health check was failing"],
  ["UT", "error", "the upstream did not answer in time"],
  ["LR", "error", "the connection was reset locally"],
  ["UR", "error", "the upstream reset the stream"],
  ["UC", "error", "the upstream closed the connection"],
  ["DI", undefined, "a delay was injected"],
  ["FI", undefined, "a fault was injected"],
  ["RL", "client_error", "the request was rate limited"],
  ["UAEX", "client_error", "external authorization refused the request"],
  ["RLSE", undefined, "the rate limit service failed"],
  ["IH", "client_error", "an Envoy header of the request was invalid"],
  ["SI", undefined, "the stream was idle for too long"],
  ["DPE", "client_error", "the caller broke the HTTP protocol"],
  ["UPE", "error", "the upstream broke the HTTP protocol"],
  ["UMSDR", "error", "the request reached its maximum duration"],
  ["RFCF", undefined, "the response came from a cache"],
  ["NFCF", "error", "a filter's configuration is missing"],
  ["OM", "error", "Envoy's overload manager ended the request"],
  ["DF", "error", "the upstream's name could not be resolved"],
  ["DO", "error", "the cluster drops a share of its load"],
  ["DR", "aborted", "the caller reset the stream"],
  ["UDO", "error", "the cluster drops all of its load"],
]

function flagOf([name, outcome, meaning]: (typeof rows)[number], index: number): Flag {
  const flag = { name, bit: 2 ** index, meaning }
  return outcome === undefined ? flag : { ...flag, outcome }
}

export const FLAGS: readonly Flag[] = rows.map(flagOf)

/** A flag that this table does not know. */
export const OTHER_FLAG = 2 ** 30

const byName: ReadonlyMap<string, Flag> = new Map(FLAGS.map((flag) => [flag.name, flag]))

/** The bit of a flag, `OTHER_FLAG` for an unknown one. */
export function flagBit(name: string): number {
  return byName.get(name)?.bit ?? OTHER_FLAG
}

/** Bits of a comma-joined list; Envoy's order is not fixed. `-` and the empty text are 0. */
export function flagBits(text: string): number {
  if (text === "" || text === "-") return 0
  return text.split(",").reduce((bits, name) => bits | flagBit(name), 0)
}

/** Sorted, comma-joined names; `-` for none, `other` for flags that the table does not know. */
export function flagsText(bits: number): string {
  if (bits <= 0) return "-"
  const names = FLAGS.filter((flag) => (bits & flag.bit) !== 0).map((flag) => flag.name)
  if ((bits & OTHER_FLAG) !== 0) names.push("other")
  return names.toSorted().join(",")
}

const mask = (outcome: Flag["outcome"]): number =>
  FLAGS.filter((flag) => flag.outcome === outcome).reduce((bits, flag) => bits | flag.bit, 0)

export const ABORTED_FLAGS = mask("aborted")
export const ERROR_FLAGS = mask("error")
export const CLIENT_ERROR_FLAGS = mask("client_error")
export const NO_ROUTE = flagBit("NR")
export const NO_CLUSTER = flagBit("NC")
