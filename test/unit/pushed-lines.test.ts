import { expect, test } from "vitest"
import { makePushedLine, readPushedLine } from "../../agent/decode/dogstatsd/line.ts"
import { printedSeries } from "../../agent/decode/dogstatsd/printed.ts"
import { type PushedFault, PushedSums } from "../../agent/decode/dogstatsd/pushed-sums.ts"

const room = (mostSeries = 100, bytes = 1e6) => {
  let left = bytes
  return {
    mostSeries,
    take: (wanted: number) => wanted <= left && ((left -= wanted), true),
    give: (given: number) => void (left += given),
    left: () => left,
  }
}

function sums(...args: Parameters<typeof room>) {
  const faults: PushedFault[] = []
  const made = new PushedSums(room(...args))
  return {
    made,
    faults,
    take: (text: string, nowMs = 0) => made.take(Buffer.from(text), nowMs, (fault) => faults.push(fault)),
    page: (sinceMs = 0) => made.page(7, sinceMs).toString().split("\n").slice(1, -1),
  }
}

test.each([
  ["envoy.a:1|c", { kind: "counter", value: 1, key: "envoy.a|c" }],
  ["envoy.a:12|g|#x:y", { kind: "gauge", value: 12, key: "envoy.a|g|#x:y" }],
  ["envoy.a:18446744073709551615|g", { kind: "gauge", value: 18446744073709552000, key: "envoy.a|g" }],
  ["envoy.a_time:12.5|ms|#x:a|b", { kind: "timer", value: 12.5, key: "envoy.a_time|ms|#x:a|b" }],
  ["envoy.a:0|c", { kind: "counter", value: 0, key: "envoy.a|c" }],
  ["other.a:1|c", "not_envoy"],
  ["env", "not_envoy"],
  ["_e{5,4}:title|text", "not_envoy"],
  ["envoy.a", "no_value"],
  ["envoy.a:1", "no_value"],
  ["envoy.a:|c", "bad_value"],
  ["envoy.a:-1|c", "bad_value"],
  ["envoy.a:+1|g", "bad_value"],
  ["envoy.a:1.5|c", "bad_value"],
  ["envoy.a:1e9|c", "bad_value"],
  ["envoy.a:1:2|c", "bad_value"],
  ["envoy.a:1234567890123456|c", "bad_value"],
  ["envoy.a_ms:.5|ms", "bad_value"],
  ["envoy.a_ms:5.|ms", "bad_value"],
  ["envoy.a_ms:1.2.3|ms", "bad_value"],
  ["envoy.a:1|", "left_out"],
  ["envoy.a:1|h", "left_out"],
  ["envoy.a:1|cx", "left_out"],
  ["envoy.a:1|c|T123", "left_out"],
  ["envoy.a:1|c|@0.5|#a:b", "sampled"],
  ["envoy.a_ms:1|ms|@0.5", "sampled"],
])("the line %s", (text, told) => {
  const line = makePushedLine()
  const fault = readPushedLine(Buffer.from(`xx${text}yy`), 2, 2 + text.length, line)
  expect(fault ?? line).toEqual(told)
})

test.each([
  [
    "envoy.cluster.upstream_rq_xx|c|#envoy.response_code_class:2,envoy.cluster_name:a",
    "counter",
    'envoy_cluster_upstream_rq_xx{envoy_response_code_class="2",envoy_cluster_name="a"} ',
  ],
  ["envoy.server.live|g", "gauge", "envoy_server_live "],
  ["envoy.a|c|#", "counter", "envoy_a "],
  ['envoy.a|c|#b.c:d:e"\\', "counter", 'envoy_a{b_c="d:e\\"\\\\"} '],
  ["envoy.a|c|#b:outbound|80||x", "counter", 'envoy_a{b="outbound|80||x"} '],
] as const)("%s is printed as Envoy prints it", (key, kind, head) => {
  expect(printedSeries(key, kind)).toEqual({ kind, heads: [head] })
})

test.each([
  ["envoy.a|c|#b", "counter", "bad_tag"],
  ["envoy.a|c|#b:1,", "counter", "bad_tag"],
  ["envoy.a|c|#:1", "counter", "bad_tag"],
  ["envoy.a|c|#le:1", "counter", "bad_tag"],
  ["envoy.a_size|ms", "timer", "left_out"],
] as const)("%s makes no series", (key, kind, fault) => {
  expect(printedSeries(key, kind)).toBe(fault)
})

test("differences add up, gauges stand as they came, and lines are told apart by all but their value", () => {
  const { take, page, faults } = sums()
  take("envoy.a:1|c|#x:1\nenvoy.a:2|c|#x:2\nenvoy.g:7|g\n")
  take("envoy.a:3|c|#x:1\n\nenvoy.g:4|g")
  expect(page()).toEqual(["envoy_pushed_age 7", 'envoy_a{x="1"} 4', 'envoy_a{x="2"} 2', "envoy_g 4"])
  expect(faults).toEqual([])
})

test("times become a histogram as Envoy's page has it", () => {
  const { take, page } = sums()
  take("envoy.t_time:0|ms\nenvoy.t_time:1|ms\nenvoy.t_time:2|ms\nenvoy.t_time:400000|ms")
  const lines = page().slice(1)
  expect(lines).toHaveLength(19)
  expect(lines.slice(0, 4)).toEqual([
    'envoy_t_time_bucket{le="0.5"} 1',
    'envoy_t_time_bucket{le="1"} 2',
    'envoy_t_time_bucket{le="5"} 3',
    'envoy_t_time_bucket{le="10"} 3',
  ])
  expect(lines.slice(15)).toEqual([
    'envoy_t_time_bucket{le="300000"} 3',
    'envoy_t_time_bucket{le="+Inf"} 4',
    "envoy_t_time_sum 400003",
    "envoy_t_time_count 4",
  ])
})

test("what is too much is refused and leaves what is there alone", () => {
  const { take, page, faults } = sums(2)
  take(`envoy.a:1|c\nenvoy.${"x".repeat(5000)}:1|c\nenvoy.b:1|c\nenvoy.c:1|c\nenvoy.a:1|c`)
  expect(faults).toEqual(["too_long", "no_room"])
  expect(page()).toEqual(["envoy_pushed_age 7", "envoy_a 2", "envoy_b 1"])
  const small = sums(100, 400)
  small.take("envoy.a:1|c\nenvoy.b:1|c")
  expect(small.faults).toEqual(["no_room"])
})

test("a sum that would no longer be exact stays", () => {
  const { take, page, faults } = sums()
  for (let time = 0; time < 10; time++) take("envoy.a:999999999999999|c")
  expect(faults).toEqual(["bad_value"])
  expect(page()[1]).toBe("envoy_a 8999999999999991")
})

test("two series of one printed name are one, the first", () => {
  const { take, page, faults } = sums()
  take("envoy.a.b:1|c\nenvoy.a_b:5|c\nenvoy.a.b:5|g\nenvoy.t_ms:1|ms\nenvoy.t_ms_sum:9|c\n__proto__:1|c")
  expect(faults).toEqual(["clash", "clash", "clash", "not_envoy"])
  expect(page()[1]).toBe("envoy_a_b 1")
})

test("a gauge that stopped coming leaves, a counter later, and a time stays", () => {
  const { made, take, page } = sums()
  take("envoy.c:1|c\nenvoy.g:1|g\nenvoy.t_ms:1|ms", 10)
  expect(page(11).filter((line) => line.startsWith("envoy_g"))).toEqual([])
  expect(page(11)[1]).toBe("envoy_c 1")
  made.forget(11)
  expect(made.size).toBe(1)
  take("envoy.c:1|c", 20)
  expect(page(11)).toContain("envoy_c 1")
})

test("what was kept goes on, without gauges, and what does not fit together is refused", () => {
  const first = sums()
  first.take("envoy.b:3|c|#x:\u00e9\nenvoy.g:1|g\nenvoy.t_ms:1|ms\nenvoy.a:2|c")
  const names = first.made.names()
  if (names === undefined) throw new Error("nothing to keep")
  expect(first.made.names()).toBeUndefined()
  const values = first.made.values()
  const second = sums()
  expect(second.made.restore(names, values, 5)).toBe(true)
  second.take("envoy.b:1|c|#x:\u00e9\nenvoy.g:1|g")
  first.take("envoy.b:1|c|#x:\u00e9\nenvoy.g:1|g")
  expect(second.page()).toEqual(first.page())
  expect(sums().made.restore(names, values.subarray(1), 5)).toBe(false)
  expect(sums().made.restore(Buffer.from("9\nenvoy.a|c"), new Float64Array(1), 5)).toBe(false)
})

test("its room is given back", () => {
  const mine = room()
  const made = new PushedSums(mine)
  made.take(Buffer.from("envoy.a:1|c\nenvoy.t_ms:1|ms"), 0, () => undefined)
  expect(mine.left()).toBeLessThan(1e6)
  made.close()
  expect(mine.left()).toBe(1e6)
})
