/** Which way the spans of a proxy go, as `mesh_proxy_info{spans}` tells it: kinds of ways, and what each means for a user. */
export type SpanWayKind = "agent" | "elsewhere" | "own-pod" | "lines" | "none" | "unknown"

export interface SpanWayWords {
  /** What is so. */
  readonly meaning: string
  /** What to do where that is not as it should be; empty: nothing. */
  readonly todo: string
}

/** Where a tracer sends to loopback that is not the agent's. */
export const OWN_POD = " of its own pod"

const BEGINNINGS: readonly (readonly [string, SpanWayKind])[] = [
  ["to this agent", "agent"],
  ["elsewhere", "elsewhere"],
  ["from log lines", "lines"],
  ["none", "none"],
]
/** Between two ways, of proxies whose listeners have different tracers. */
const BETWEEN = /, (?=to this agent |elsewhere \(|from log lines|none|unknown)/

/**
 * The kinds in a text such as `to this agent by zipkin, elsewhere (10.0.0.7:9411)`, each once. An address in it is what a
 * proxy's configuration holds, so any text is read; what is not understood is `unknown`.
 */
export function spanWayKinds(text: string): readonly SpanWayKind[] {
  return [...new Set(text.split(BETWEEN).map(kindOf))]
}

function kindOf(way: string): SpanWayKind {
  if (way.startsWith("elsewhere (") && way.includes(OWN_POD)) return "own-pod"
  return BEGINNINGS.find(([beginning]) => way.startsWith(beginning))?.[1] ?? "unknown"
}

/** Words of docs/tracing.md, which says more. */
export const SPAN_WAYS: Readonly<Record<SpanWayKind, SpanWayWords>> = {
  agent: { meaning: "Its tracer sends to an address where this agent listens.", todo: "" },
  lines: {
    meaning: "It has no tracer; its log lines tell traces, and the agent makes spans of them.",
    todo: "",
  },
  elsewhere: {
    meaning: "It has a tracer, and that sends to an address which is not the agent's.",
    todo: "Point the tracer at the agent. Where this is already an address of the agent, such as that of a service in front of it, name it in `spans.hosts`.",
  },
  "own-pod": {
    meaning:
      "App Mesh's default: its tracer sends to what listens in its own pod or task, and the agent is not there.",
    todo: "EKS: let Helm send Zipkin to the agents' service (`tracing.provider=jaeger`, `tracing.address`). ECS and EC2: set `AWS_XRAY_DAEMON_ADDRESS` to the host's address. Or run the agent in that pod in place of the X-Ray daemon.",
  },
  none: {
    meaning: "It has no tracer, and no spans are made from its log lines.",
    todo: "Give the proxy a tracer; or set `spans.fromLogs` and log a trace header such as `x-amzn-trace-id`.",
  },
  unknown: {
    meaning: "Its configuration could not be read, or does not tell where spans go.",
    todo: "Let the agent read `/config_dump` of the admin interface.",
  },
}
