import { METRICS, type MetricKey } from "../catalogue.ts"
import { fits, type MetricSet } from "../cloudwatch/metric-set.ts"
import type { ToldMetric } from "../cloudwatch/told-metrics.ts"
import type { Sample, Samples } from "./samples.ts"
import { documentBytes, LOG_EVENT_BYTES, pointBytes } from "./sizes.ts"

/** What one agent sends, each way, as rates. */
export interface Flow {
  /** Distinct metrics that moved, and those that are known and did not. `cap`: most that are told. */
  readonly classic: {
    readonly metrics: number
    readonly idle: number
    readonly cap: number | undefined
    readonly bytesPerSecond: number
    /** Requests of PutMetricData, if the same were sent by it. */
    readonly requestsPerSecond: number
  }
  readonly otlp: {
    readonly series: number
    readonly pointsPerSecond: number
    readonly bytesPerSecond: number
  }
  readonly lines: { readonly perSecond: number; readonly bytesPerLine: number }
  readonly traces: {
    readonly perSecond: number
    readonly spansPerSecond: number
    readonly bytesPerSpan: number
    /** Share of requests that are traced, 0 to 1. */
    readonly sampling: number
    /** Whether that is what came in, and not what was said or assumed. */
    readonly measured: boolean
  }
}

export interface FlowOptions {
  readonly sets: readonly MetricSet[]
  /** Most classic metrics; undefined: no cap. */
  readonly cap: number | undefined
  /** Time between two tellings, ms. */
  readonly classicIntervalMs: number
  readonly otlpIntervalMs: number
  /** Time between two sendings by OTLP of every series, changed or not, ms. */
  readonly otlpFullMs: number
  /** Share of requests that are traced, 0 to 1; undefined: by the spans that came, and where none came as App Mesh does. */
  readonly sampling: number | undefined
}

/** `XRAY_SAMPLING_RATE` of App Mesh's proxies where nobody sets it. */
const USUAL_SAMPLING = 0.05

/** What names of the mesh add to a line as it is sent, and what a span takes, bytes: assumed, and said to be. */
export const NAMES_BYTES = 250
export const SPAN_BYTES = 900
/** A line of Envoy's, where none was read. */
const LINE_BYTES = 400
const MOST_PER_REQUEST = 1000

const KEY_OF: ReadonlyMap<string, MetricKey> = new Map(
  Object.keys(METRICS)
    .filter((key): key is MetricKey => Object.hasOwn(METRICS, key))
    .map((key) => [METRICS[key].name, key]),
)

/** What flowed between two moments `seconds` apart. A counter that fell began anew. Pure. */
export function flowOf(before: Samples, after: Samples, seconds: number, options: FlowOptions): Flow {
  const moved = new Map<Sample, number>()
  for (const [key, sample] of after) {
    const old = before.get(key)?.value ?? 0
    moved.set(sample, sample.value >= old ? sample.value - old : sample.value)
  }
  const rate = (name: string, where: Readonly<Record<string, string>> = {}): number => {
    let sum = 0
    for (const [sample, delta] of moved)
      if (
        sample.name === name &&
        Object.entries(where).every(([label, value]) => sample.labels.get(label) === value)
      )
        sum += delta
    return sum / seconds
  }
  return {
    classic: classicFlow(moved, options),
    otlp: otlpFlow(moved, options),
    lines: lineFlow(after, rate),
    traces: traceFlow(rate, options.sampling),
  }
}

type Rate = (name: string, where?: Readonly<Record<string, string>>) => number

interface Told {
  readonly set: MetricSet
  readonly chars: number
  readonly moved: Set<ToldMetric>
  readonly known: Set<ToldMetric>
}

function classicFlow(moved: ReadonlyMap<Sample, number>, options: FlowOptions): Flow["classic"] {
  const groups = new Map<string, Told>()
  for (const [sample, delta] of moved) {
    const key = KEY_OF.get(sample.name)
    if (key !== undefined) for (const set of options.sets) tell(groups, set, key, sample, delta)
  }
  let metrics = 0
  let known = 0
  let bytes = 0
  for (const group of groups.values()) {
    known += group.known.size
    metrics += group.moved.size
    if (group.moved.size > 0) bytes += documentBytes(group.set, group.chars, [...group.moved])
  }
  const told = Math.min(metrics, options.cap ?? metrics)
  const share = metrics === 0 ? 0 : told / metrics
  const perSecond = 1000 / options.classicIntervalMs
  return {
    metrics: told,
    idle: known - metrics,
    cap: options.cap,
    bytesPerSecond: bytes * share * perSecond,
    requestsPerSecond: Math.ceil(told / MOST_PER_REQUEST) * perSecond,
  }
}

function tell(
  groups: Map<string, Told>,
  set: MetricSet,
  key: MetricKey,
  sample: Sample,
  delta: number,
): void {
  for (const metric of set.metrics) {
    const counts = metric.parts.some(
      (part) => part.key === key && fits(sample.labels, set.where) && fits(sample.labels, part.where ?? {}),
    )
    if (!counts) continue
    const values = set.dimensions.map(({ label, fixed }) => fixed ?? sample.labels.get(label) ?? "(none)")
    const name = JSON.stringify([set.name, ...values])
    let group = groups.get(name)
    if (group === undefined) {
      group = { set, chars: values.join("").length, moved: new Set(), known: new Set() }
      groups.set(name, group)
    }
    group.known.add(metric)
    if (delta > 0 || metric.kind === "gauge") group.moved.add(metric)
  }
}

function otlpFlow(
  moved: ReadonlyMap<Sample, number>,
  { otlpIntervalMs, otlpFullMs }: FlowOptions,
): Flow["otlp"] {
  let series = 0
  let points = 0
  let bytes = 0
  for (const [{ name, labels }, delta] of moved) {
    const key = KEY_OF.get(name)
    if (key === undefined) continue
    series++
    const perSecond = 1000 / (delta === 0 ? otlpFullMs : Math.min(otlpIntervalMs, otlpFullMs))
    points += perSecond
    bytes += perSecond * pointBytes(name, labels, METRICS[key].type === "histogram")
  }
  return { series, pointsPerSecond: points, bytesPerSecond: bytes }
}

/** Lines that a proxy wrote, in their mean length since the agent began. */
function lineFlow(after: Samples, rate: Rate): Flow["lines"] {
  let bytes = 0
  let lines = 0
  for (const { name, value } of after.values()) {
    if (name === "mesh_agent_log_bytes_total") bytes += value
    if (name === "mesh_agent_lines_read_total") lines += value
  }
  const length = lines > 0 ? bytes / lines : LINE_BYTES
  return {
    perSecond: rate("mesh_agent_lines_accounted_total"),
    bytesPerLine: length + NAMES_BYTES + LOG_EVENT_BYTES,
  }
}

/** A trace begins where a request enters: at a gateway, or where there is none at the calling node. */
function traceFlow(rate: Rate, said: number | undefined): Flow["traces"] {
  const requests = (reporter: string): number => rate(METRICS.requests.name, { reporter })
  const [gateway, source, destination] = [requests("gateway"), requests("source"), requests("destination")]
  // A proxy makes one span for each side on which it counts a request, so their share is that of the traced requests.
  const came = rate("mesh_agent_spans_total")
  const measured = said === undefined && came > 0
  const whole = gateway + source + destination
  const sampling = measured ? Math.min(1, came / Math.max(came, whole)) : (said ?? USUAL_SAMPLING)
  return {
    perSecond: (gateway > 0 ? gateway : Math.max(source, destination)) * sampling,
    spansPerSecond: measured ? came : whole * sampling,
    bytesPerSpan: SPAN_BYTES,
    sampling,
    measured,
  }
}
