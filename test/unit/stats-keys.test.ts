import { expect, test } from "vitest"
import { DURATION_BOUNDS } from "#mesh/catalogue.ts"
import { BUCKET_COUNT } from "#mesh/histogram.ts"
import { spaceOf } from "../../agent/account/stats/series-space.ts"
import { addBin, makeBinFold } from "../../agent/decode/stats/bin-fold.ts"
import { HistogramReader } from "../../agent/decode/stats/histogram-page.ts"
import { LayoutPool } from "../../agent/decode/stats/layout-pool.ts"
import { PageReader } from "../../agent/decode/stats/page-reader.ts"
import { seriesKey } from "../../agent/decode/stats/series-key.ts"
import { labPlan } from "../fixtures/stats/bench-proxy.ts"
import { capturedPages } from "../fixtures/stats/pages.ts"

test.each([
  [
    'envoy_cluster_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="c"}',
    "cluster",
    "c",
    "upstream_rq_5xx",
  ],
  [
    'envoy_cluster_upstream_rq{envoy_response_code="101",envoy_cluster_name="c"}',
    "cluster",
    "c",
    "upstream_rq_101",
  ],
  [
    'envoy_cluster_upstream_rq{response_code_class="5xx",cluster_name="outbound|80||r.d;"}',
    "cluster",
    "outbound|80||r.d;",
    "upstream_rq_5xx",
  ],
  [
    'envoy_cluster_external_upstream_rq_xx{envoy_response_code_class="5",envoy_cluster_name="c"}',
    "cluster",
    "c",
    "external_upstream_rq_5xx",
  ],
  [
    'envoy_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="egress"}',
    "http",
    "egress",
    "downstream_rq_2xx",
  ],
  [
    'envoy_listener_http_downstream_rq_xx{envoy_response_code_class="2",envoy_http_conn_manager_prefix="egress"}',
    "global",
    undefined,
    "listener_http_downstream_rq_xx",
  ],
  ['envoy_tcp_downstream_cx_total{envoy_tcp_prefix="t"}', "tcp", "t", "downstream_cx_total"],
  ["envoy_server_uptime{}", "global", undefined, "server_uptime"],
  ['envoy_cluster_a{envoy_cluster_name="q\\"uo\\\\te\\n"}', "cluster", 'q"uo\\te\n', "a"],
] as const)("%s", (printed, scope, owner, rest) => {
  expect(seriesKey("prometheus", printed)).toEqual({ scope, owner, rest })
})

function kind(printed: string): number | "sum" | "count" | undefined {
  return seriesKey("prometheus", printed)?.histogram
}

test("buckets, sums and counts of histograms are told apart from counters", () => {
  const labels = 'envoy_cluster_name="c"'
  expect(kind(`envoy_cluster_upstream_rq_time_bucket{${labels},le="0.5"}`)).toBe(0.5)
  expect(kind(`envoy_cluster_upstream_rq_time_bucket{${labels},le="+Inf"}`)).toBe(Infinity)
  expect(kind(`envoy_cluster_upstream_rq_time_sum{${labels}}`)).toBe("sum")
  expect(kind(`envoy_cluster_upstream_rq_time_count{${labels}}`)).toBe("count")
  expect(kind(`envoy_cluster_upstream_cx_total{${labels}}`)).toBeUndefined()
  expect(seriesKey("prometheus", "istio_requests_total{}")).toBeUndefined()
})

test("on captured pages of one scrape, both formats bind the same series with the same values", () => {
  const plan = labPlan(["ok", "other.dotted", "grpc", "none", "refused"], { tcp: ["tcp"] })
  const space = spaceOf(plan)
  const read = (format: "raw" | "prometheus", page: Buffer): Map<number, number> => {
    const change = new PageReader(format, new LayoutPool()).read(page)
    const places = space.bind(change)
    const values = new Map<number, number>()
    for (const [line, place] of places.entries()) {
      const field = space.target[place]
      // The two pages are read one after the other: the admin's own and the server's gauges moved in between.
      if (place < 0 || field === undefined || field >= space.ofGlobal("server_hot_restart_epoch")) continue
      values.set(field, (values.get(field) ?? 0) + (change.values[line] ?? 0))
    }
    return values
  }
  const raw = capturedPages("raw")
  for (const [index, page] of capturedPages("prometheus").entries()) {
    const truth = read("raw", raw[index] ?? Buffer.alloc(0))
    expect(read("prometheus", page)).toEqual(truth)
    expect(truth.size).toBeGreaterThan(15)
  }
})

test("each bound of ours is a boundary of Envoy's bins", () => {
  for (const [index, bound] of DURATION_BOUNDS.entries()) {
    const lower = bound * 1000
    // libcircllhist: two significant digits; the bin that begins at a boundary, and the one that ends there.
    const width = 10 ** (Math.floor(Math.log10(lower) + 1e-9) - 1)
    const above = makeBinFold()
    addBin(above, lower, width, 1)
    expect(above.counts.indexOf(1)).toBe(index + 1)
    const below = makeBinFold()
    const narrow = Math.log10(lower) % 1 === 0 ? width / 10 : width
    addBin(below, lower - narrow, narrow, 1)
    expect(below.counts.indexOf(1)).toBe(index)
  }
})

interface DetailedPage {
  readonly stats: readonly {
    readonly histograms: {
      readonly details?: readonly {
        readonly name: string
        readonly totals: readonly {
          readonly lower_bound: number
          readonly width: number
          readonly count: number
        }[]
      }[]
    }
  }[]
}

test("the scanner reads captured histograms as JSON.parse does, and only those that changed", () => {
  const reader = new HistogramReader()
  const wanted = new Map([
    ["cluster.ok.upstream_rq_time", 0],
    ["http.egress.downstream_rq_time", 1],
    ["cluster.other.dotted.upstream_rq_time", 2],
  ])
  const names = [...wanted.keys()]
  let changes = 0
  const known = new Map<string, string>()
  for (const page of capturedPages("histograms")) {
    const told = new Map<string, string>()
    changes += reader.read(page, wanted, (index, { counts, sumSeconds }) => {
      told.set(names[index] ?? "", JSON.stringify([[...counts], sumSeconds.toFixed(9)]))
    })
    const parsed = JSON.parse(page.toString()) as DetailedPage
    for (const { name, totals } of parsed.stats[0]?.histograms.details ?? []) {
      if (!wanted.has(name)) continue
      const fold = makeBinFold()
      for (const bin of totals) addBin(fold, bin.lower_bound, bin.width, bin.count)
      const truth = JSON.stringify([[...fold.counts], fold.sumSeconds.toFixed(9)])
      expect(told.get(name) ?? known.get(name)).toBe(truth)
      expect(told.has(name)).toBe(known.get(name) !== truth)
      known.set(name, truth)
    }
  }
  expect(known.size).toBe(3)
  expect(changes).toBeGreaterThan(4)
})

function detailed(totals: string): string {
  return `{"stats":[{"histograms":{"details":[{"name":"a","totals":[${totals}],"intervals":[]}]}}]}`
}

test("odd numbers and cut pages of histograms do no harm", () => {
  const wanted = new Map([["a", 0]])
  const read = (text: string): number[][] => {
    const told: number[][] = []
    new HistogramReader().read(Buffer.from(text), wanted, (_, { counts }) => told.push([...counts]))
    return told
  }
  const one = (bin: string): number => read(detailed(bin))[0]?.indexOf(1) ?? -2
  expect(one('{"lower_bound":490.00000000000006,"width":10,"count":1}')).toBe(8)
  expect(one('{"lower_bound":1.1e+06,"width":1e+05,"count":1}')).toBe(BUCKET_COUNT - 1)
  expect(one('{"lower_bound":0,"width":0,"count":1}')).toBe(0)
  expect(one('{"lower_bound":-3,"width":1,"count":1}')).toBe(-1)
  expect(one('{"lower_bound":"x","width":1,"count":1}')).toBe(-1)
  const whole = detailed('{"lower_bound":1,"width":0.1,"count":3},{"lower_bound":2,"width":0.1,"count":4}')
  for (let length = 0; length < whole.length; length++) {
    const cut = whole.slice(0, length)
    // Nothing, or what stands there: the admin client refuses cut pages before they come here.
    const told = cut.includes('"stats"') || length === 0 ? read(cut) : []
    expect(told.length).toBeLessThanOrEqual(1)
  }
  expect(() => read("<html>")).toThrow("not what was asked for")
})
