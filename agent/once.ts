import type { OnceReport, OnceRequests } from "#mesh/once-report.ts"
import type { Snapshot } from "#mesh/snapshot.ts"
import type { AgentConfig } from "./config/parse.ts"
import { takesSpans } from "./config/receive-schema.ts"
import { FIRST_WORD_MS } from "./discover/joined.ts"
import { streamsHere } from "./intakes/streams-here.ts"
import { modelNow } from "./model-sources.ts"
import { onceProxy } from "./once-proxy.ts"
import { Pipeline } from "./pipeline.ts"
import { discoveryOf } from "./registry.ts"
import { configuredReception } from "./spans/reception.ts"
import { Spans } from "./spans/spans.ts"
import type { AgentDeps } from "./start.ts"
import { makeTelemetry } from "./telemetry/telemetry.ts"

export interface OnceDeps extends AgentDeps {
  /** Ends the look at once; the report then holds what was read so far. */
  readonly signal: AbortSignal
}

/** A group comes so soon after what is reported of it. */
const REPORT_MS = 2000

/**
 * Reads every admin page and every log line that is there, once, from the beginning. Keeps nothing and sends nothing.
 * @throws MeshscopeError FILE_UNREADABLE, MODEL_INVALID
 */
export async function readOnce(config: AgentConfig, deps: OnceDeps): Promise<OnceReport> {
  const { clock, log, env, signal } = deps
  const telemetry = makeTelemetry({
    version: deps.version,
    nodeVersion: deps.nodeVersion,
    processMetrics: false,
  })
  const model = await modelNow(config, { ...deps, telemetry }, signal)
  const alone: AgentConfig = {
    ...config,
    // In memory: beside a running agent its folder is taken, and a container's root is read-only.
    agent: { ...config.agent, state: "" },
    logs: { ...config.logs, start: "beginning" },
  }
  const pipeline = new Pipeline(alone, {
    clock,
    log,
    model,
    scraped: () => undefined,
    watchingSinceMs: 0,
  })
  const spans = new Spans(alone.spans, {
    telemetry,
    declared: model.model,
    interner: pipeline.interner,
    consumers: [],
  })
  spans.listens(configuredReception(alone))
  pipeline.follower = spans
  const { accessLogs } = alone.receive
  // What a running agent would take as a stream is not counted from anything else.
  if (accessLogs !== undefined)
    pipeline.leadsHere = streamsHere(accessLogs.listen, [...alone.spans.hosts, ...accessLogs.hosts])
  try {
    const found = new AbortController()
    const over = AbortSignal.any([found.signal, signal])
    // The first group is all that there is. What fails reports and never emits, so the wait ends with the report, and
    // later: what is left out of a group is reported before the group comes, and another way may still tell of its own.
    const ways = Object.values(alone.discover).filter((way) => way !== undefined).length
    const patienceMs = ways > 1 ? FIRST_WORD_MS + 1000 : REPORT_MS
    const discovery = await discoveryOf(alone, {
      clock,
      env,
      log: {
        debug: (sentence, fields) => log.debug(sentence, fields),
        info: (sentence, fields) => log.info(sentence, fields),
        error: (sentence, fields) => log.error(sentence, fields),
        warn: (sentence, fields) => {
          log.warn(sentence, fields)
          void clock.sleep(patienceMs, over).then(() => found.abort())
        },
      },
      telemetry,
    })
    await discovery.run((targets) => {
      pipeline.take(targets)
      found.abort()
    }, over)
    await Promise.race([pipeline.settled(), aborted(signal)])
    while (!signal.aborted && (await pipeline.tail.poll())) {
      // Each round reads a bounded stretch of every file.
    }
    pipeline.commit()
    return reportOf(pipeline, spans, takesSpans(alone.receive))
  } finally {
    await pipeline.drain()
    pipeline.close()
    await telemetry.close()
  }
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve()
    else signal.addEventListener("abort", () => resolve(), { once: true })
  })
}

function reportOf(pipeline: Pipeline, spans: Spans, taken: boolean): OnceReport {
  const proxies = [...pipeline.proxies].map((proxy) => onceProxy(proxy, spans.wayOf(proxy)))
  const { access, malformed } = pipeline.lines.counters
  let accounted = 0
  for (const tally of pipeline.tallies)
    accounted += tally.gateway + tally.source + tally.destination + tally.tcpConnections
  return {
    proxies,
    requests: requestsOf(pipeline.ledger.snapshot),
    lines: {
      read: access + malformed,
      accounted,
      dropped: { ...pipeline.lines.drops(), malformed },
      doubts: Object.fromEntries(pipeline.doubts),
    },
    takesSpans: taken,
  }
}

function total(row: OnceRequests): number {
  return row.ok + row.clientErrors + row.errors + row.aborted
}

const FIELDS = { ok: "ok", client_error: "clientErrors", error: "errors", aborted: "aborted" } as const

function requestsOf(snapshot: Snapshot): readonly OnceRequests[] {
  const rows = new Map<string, { -readonly [K in keyof OnceRequests]: OnceRequests[K] }>()
  const family = snapshot.families.find(({ key }) => key === "requests")
  for (const series of family?.series ?? []) {
    const labels = new Map(series.labels)
    const of = (name: string): string => labels.get(name) ?? ""
    const reporter = of("reporter")
    if (reporter !== "gateway" && reporter !== "source" && reporter !== "destination") continue
    const row = {
      mesh: of("mesh"),
      reporter,
      virtualGateway: of("virtual_gateway"),
      gatewayRoute: of("gateway_route"),
      virtualService: of("virtual_service"),
      virtualRouter: of("virtual_router"),
      route: of("route"),
      source: of("source"),
      virtualNode: of("virtual_node"),
    } as const
    const key = JSON.stringify(row)
    const sum = rows.get(key) ?? { ...row, ok: 0, clientErrors: 0, errors: 0, aborted: 0 }
    const field = Object.entries(FIELDS).find(([outcome]) => outcome === of("outcome"))?.[1]
    if (field !== undefined) sum[field] += snapshot.values[series.slot] ?? 0
    rows.set(key, sum)
  }
  return [...rows.values()].filter((row) => total(row) > 0).toSorted((a, b) => total(b) - total(a))
}
