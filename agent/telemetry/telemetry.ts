import type { Meter, Observable } from "@opentelemetry/api"
import { MeterProvider } from "@opentelemetry/sdk-metrics"
import { AGENT_METRICS, type AgentKeyOf, type AgentLabels, type AgentMetricKey } from "#mesh/agent-metrics.ts"
import { DURATION_BOUNDS, type Metric } from "#mesh/catalogue.ts"
import { type Exposition, expositionText } from "./exposition.ts"
import type { OwnFamily } from "./families.ts"
import { makeProcessMetrics } from "./process-metrics.ts"
import { PullReader } from "./reader.ts"

/** Counts up. Keep it; making it again is the cold path. */
export interface OwnCounter<K extends AgentMetricKey> {
  add(amount: number, labels: AgentLabels<K>): void
}
export interface OwnGauge<K extends AgentMetricKey> {
  set(value: number, labels: AgentLabels<K>): void
}
export interface OwnDistribution<K extends AgentMetricKey> {
  observe(seconds: number, labels: AgentLabels<K>): void
}
/** Tells current values; called whenever somebody reads the metrics. For counters the total so far. */
export type Observation<K extends AgentMetricKey> = (
  tell: (value: number, labels: AgentLabels<K>) => void,
) => void

/**
 * The agent's own metrics. Two ways in: instruments that code adds to, for what happens per page or batch (an `add` with
 * labels hashes them, a few hundred ns); and observations of numbers that code keeps anyway, for what happens per line.
 * Use one way per metric.
 */
export interface Telemetry {
  counter<K extends AgentKeyOf<"counter">>(key: K): OwnCounter<K>
  gauge<K extends AgentKeyOf<"gauge">>(key: K): OwnGauge<K>
  distribution<K extends AgentKeyOf<"histogram">>(key: K): OwnDistribution<K>
  /** @returns ends the observation; a counter stays at what it told last */
  observe<K extends AgentKeyOf<"counter" | "gauge">>(key: K, observation: Observation<K>): () => void
  /** Current values, of this process too when asked for; for sinks that send them. */
  families(): Promise<readonly OwnFamily[]>
  /** The same as text, to stand below the mesh's series. OpenMetrics comes without `# EOF`. */
  text(format: Exposition): Promise<string>
  close(): Promise<void>
}

export interface TelemetryOptions {
  readonly version: string
  readonly nodeVersion: string
  /** CPU, memory and event loop of the process beside the agent's own. */
  readonly processMetrics: boolean
}

/** Makes the instruments of one agent. Global providers are left alone. */
export function makeTelemetry(options: TelemetryOptions): Telemetry {
  const reader = new PullReader()
  const provider = new MeterProvider({ readers: [reader] })
  const meter = provider.getMeter("meshscope-agent", options.version)
  const ofProcess = options.processMetrics ? makeProcessMetrics() : () => Promise.resolve([])
  const telemetry: Telemetry = {
    counter(key) {
      const counter = meter.createCounter(...described(key))
      return { add: (amount, labels) => counter.add(amount, labels) }
    },
    gauge(key) {
      const gauge = meter.createGauge(...described(key))
      return { set: (value, labels) => gauge.record(value, labels) }
    },
    distribution(key) {
      const [name, options_] = described(key)
      const advice = { explicitBucketBoundaries: [...DURATION_BOUNDS] }
      const histogram = meter.createHistogram(name, { ...options_, advice })
      return { observe: (seconds, labels) => histogram.record(seconds, labels) }
    },
    observe: (key, observation) => observed(meter, key, observation),
    families: async () => [...(await reader.families()), ...(await ofProcess())],
    text: async (format) => expositionText(await telemetry.families(), format),
    close: () => provider.shutdown(),
  }
  telemetry.gauge("buildInfo").set(1, { version: options.version, node: options.nodeVersion })
  return telemetry
}

function described(key: AgentMetricKey): [string, { description: string; unit: string }] {
  const { name, help, unit }: Metric = AGENT_METRICS[key]
  return [name, { description: help, unit }]
}

function observed<K extends AgentKeyOf<"counter" | "gauge">>(
  meter: Meter,
  key: K,
  observation: Observation<K>,
): () => void {
  const instrument: Observable =
    AGENT_METRICS[key].type === "counter"
      ? meter.createObservableCounter(...described(key))
      : meter.createObservableGauge(...described(key))
  const callback = (result: { observe: (value: number, labels: AgentLabels<K>) => void }): void =>
    observation((value, labels) => result.observe(value, labels))
  instrument.addCallback(callback)
  return () => instrument.removeCallback(callback)
}
