/** What each source of request counts can say; one row per question. Settled by design, shown in docs/metrics.md. */
export const SOURCES = ["JSON log with our format", "default text log", "stats alone"] as const

export const SOURCE_ROWS: readonly (readonly [question: string, ...answers: readonly string[]])[] = [
  [
    "route",
    "exact; `(ambiguous)` only where routes differ by what is not logged",
    "by authority, method and path; where a caller could have decided it by sending `x-envoy-original-path`, the doubt `forgeable` is counted",
    "where one way leads to the cluster, else `(shared)`",
  ],
  ["target node", "upstream cluster", "upstream host, looked up in `/clusters`", "cluster"],
  [
    "TCP to a host that is not declared",
    "upstream cluster",
    "by the upstream host's port, as Envoy picks its chain; `forgeable` where more than one chain may have taken it",
    "cluster",
  ],
  [
    "TCP that Envoy cuts, as no filter chain takes it (`DROP_ALL`)",
    "no line: counted by the listener, with provenance `stats`",
    "no line: counted by the listener, with provenance `stats`",
    "counted by the listener",
  ],
  ["code and flags", "yes", "yes", "classes and codes; flags by special counters"],
  [
    "`answered_by`",
    "from the response code details",
    "unknown where there are no flags and the code is 4xx or 5xx, and where an answer may have been cut",
    "derived from counters",
  ],
  [
    "gRPC status",
    "yes",
    "no: the HTTP status only, but `URX` where the caller's proxy tried again in vain",
    "counters when configured, and those of retries in vain",
  ],
  ["attempts", "yes", "no", "retry counters"],
  ["can be forged by a caller", "no", "the tail can; such lines are counted as `forgeable`", "no"],
]
