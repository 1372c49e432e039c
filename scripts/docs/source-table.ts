/** What each source of request counts can say; one row per question. Settled by design, shown in docs/metrics.md. */
export const SOURCES = [
  "JSON log with our format",
  "default text log",
  "gRPC access log service",
  "stats alone",
] as const

export const SOURCE_ROWS: readonly (readonly [question: string, ...answers: readonly string[]])[] = [
  [
    "route",
    "exact; `(ambiguous)` only where routes differ by what is not logged",
    "by authority, method and path; where a caller can send `x-envoy-original-path` the row is marked unsafe",
    "as JSON, plus the route's name when it has one",
    "where one way leads to the cluster, else `(shared)`",
  ],
  [
    "target node",
    "upstream cluster",
    "upstream host, looked up in `/clusters`",
    "upstream cluster",
    "cluster",
  ],
  ["code and flags", "yes", "yes", "yes", "classes and codes; flags by special counters"],
  [
    "`answered_by`",
    "from the response code details",
    "unknown where there are no flags and the code is 4xx or 5xx, and where an answer may have been cut",
    "from the details",
    "derived from counters",
  ],
  [
    "gRPC status",
    "yes",
    "no: the HTTP status only",
    "from trailers when configured",
    "counters when configured",
  ],
  ["attempts", "yes", "no", "yes", "retry counters"],
  ["can be forged by a caller", "no", "the tail can; such lines are counted as `forgeable`", "no", "no"],
]
