import type { Fields } from "./wire.ts"

/** One data point of the metrics endpoint. Attributes by name. */
export interface OtlpPoint {
  readonly metric: string
  readonly unit: string
  readonly type: "gauge" | "sum" | "histogram" | "exponentialHistogram" | "summary"
  /** 1 delta, 2 cumulative; 0 where the type has none. */
  readonly temporality: number
  readonly resource: Fields
  readonly scope: string
  readonly attributes: Fields
  /** The point as it was sent, decoded: times and counts as bigint. */
  readonly point: Fields
}

/** One span of the traces endpoint, as it was sent, decoded: ids as lower-case hexadecimal, times as bigint. */
export interface OtlpSpan {
  readonly resource: Fields
  readonly scope: string
  readonly attributes: Fields
  readonly span: Fields
}

/** One record of the logs endpoint. */
export interface OtlpRecord {
  readonly group: string
  readonly stream: string
  readonly resource: Fields
  readonly attributes: Fields
  readonly record: Fields
}

/** What the three OTLP endpoints took, oldest first. */
export interface FakeOtlp {
  readonly points: readonly OtlpPoint[]
  readonly records: readonly OtlpRecord[]
  readonly spans: readonly OtlpSpan[]
}

export interface OtlpStore extends FakeOtlp {
  readonly points: OtlpPoint[]
  readonly records: OtlpRecord[]
  readonly spans: OtlpSpan[]
}
