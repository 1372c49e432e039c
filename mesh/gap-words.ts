/** What a proxy's log or configuration lacks: words of `mesh_proxy_info{missing}`. */
export interface Gap {
  /** What is not there, short. */
  readonly lacks: string
  /** What cannot be told because of it. */
  readonly untold: string
  /** What mends it. */
  readonly mend: "log" | "format" | "model" | "admin" | "place" | "output" | "identity"
}

const GAPS: Readonly<Record<string, Gap>> = {
  inbound_log: {
    lacks: "a log of what comes in",
    untold:
      "Requests that come in are counted from Envoy's stats: which flags a failed one had, and who answered it, is told only as far as a counter exists.",
    mend: "log",
  },
  outbound_log: {
    lacks: "a log of what goes out",
    untold:
      "Requests that go out are counted from Envoy's stats: where several routes lead to one node they stand together as (shared), with flags only where a counter exists.",
    mend: "log",
  },
  inbound_stats: {
    lacks: "counters of what comes in",
    untold:
      "Its bootstrap leaves these stats out, as Istio's does unless told otherwise (proxyStatsMatcher), and it has no log that can be read: requests that come in are not counted.",
    mend: "log",
  },
  outbound_stats: {
    lacks: "counters of what goes out",
    untold:
      "Its bootstrap leaves these stats out, as Istio's does unless told otherwise (proxyStatsMatcher), and it has no log that can be read: requests that go out are not counted.",
    mend: "log",
  },
  upstream_cluster: {
    lacks: "the upstream cluster",
    untold:
      "Which virtual node answered is looked up by the address of its host, and is not known once the host is gone.",
    mend: "format",
  },
  response_code_details: {
    lacks: "the details of the response code",
    untold:
      "Whether the application or its proxy made an error is not known where Envoy set no flag, nor whether an answer was cut.",
    mend: "format",
  },
  grpc_status: {
    lacks: "the gRPC status",
    untold: "A gRPC call that failed with HTTP status 200 counts as ok.",
    mend: "format",
  },
  attempts: {
    lacks: "the number of attempts",
    untold: "How often a request was tried, retries included, is not known.",
    mend: "format",
  },
  own_path: {
    lacks: "the path apart from the original one",
    untold:
      "A caller that sends x-envoy-original-path can make its request look like one of another route; such requests are counted as named with a doubt.",
    mend: "format",
  },
  declared_model: {
    lacks: "the declared model of its mesh",
    untold: "Routes are called by what they match, and weights and services without traffic are not known.",
    mend: "model",
  },
  config_dump: {
    lacks: "its configuration",
    untold:
      "Its configuration could not be read the last time: names are those of an older one, or there are none.",
    mend: "admin",
  },
  config: {
    lacks: "a configuration that can be read",
    untold:
      "Where it runs its configuration cannot be read: numbers are told only where the names of its stats make them certain, and its lines are not placed on routes.",
    mend: "place",
  },
  hosts: {
    lacks: "its hosts and certificates",
    untold:
      "Which hosts it calls, which of them it holds for healthy, and when its certificates expire cannot be read where it runs.",
    mend: "place",
  },
  log: {
    lacks: "a log that reaches the agent",
    untold:
      "What it writes goes where this agent has no file and no receiver: its requests are counted from Envoy's stats.",
    mend: "output",
  },
  entries: {
    lacks: "some of what it streamed",
    untold:
      "Requests that it streamed while nobody took them are in no number but mesh_unaccounted_requests_total: Envoy keeps none of them, and its own counters do not tell.",
    mend: "output",
  },
  datagrams: {
    lacks: "a sure way of its stats",
    untold:
      "Its stats come as datagrams that nobody acknowledges: what was lost on the way, or sent while the agent was away, is in no number, and nobody can tell how much it was.",
    mend: "place",
  },
  identity: {
    lacks: "a certain name",
    untold:
      "More than one resource claims it, or none does, so that its numbers may stand under no resource, or under another one than you expect.",
    mend: "identity",
  },
}

/** A word that this page does not know is shown as it is: its agent is of another version. */
export function gapOf(word: string): Gap {
  return Object.hasOwn(GAPS, word) && GAPS[word] !== undefined
    ? GAPS[word]
    : { lacks: word, untold: "Its agent says so; this collector knows no more of it.", mend: "admin" }
}

export const GAP_WORDS = Object.keys(GAPS)
