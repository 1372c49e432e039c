import { expect, test } from "vitest"
import { brokenRule, EMF_RULES, type EmfRule } from "../../agent/publish/cloudwatch-emf/rules.ts"

const NOW_MS = Date.UTC(2026, 10, 21, 12)
const DAY_MS = 86_400_000

interface Parts {
  aws?: unknown
  time?: unknown
  directives?: unknown
  directive?: Record<string, unknown>
  metric?: Record<string, unknown>
  root?: Record<string, unknown>
}

/** A good document with some parts changed. */
function written({ aws, time = NOW_MS, directives, directive = {}, metric = {}, root = {} }: Parts): unknown {
  const good = {
    Namespace: "Meshscope",
    Dimensions: [["mesh", "route"]],
    Metrics: [{ Name: "requests", Unit: "Count", ...metric }],
    ...directive,
  }
  return {
    _aws: aws ?? { Timestamp: time, CloudWatchMetrics: directives ?? [good] },
    mesh: "m",
    route: "r",
    requests: 1,
    ...root,
  }
}
const histogram = (changes: Record<string, unknown> = {}): Parts => ({
  root: { requests: { Values: [1, 2], Counts: [3, 4], Max: 2, Min: 1, Count: 7, Sum: 11, ...changes } },
})
const many = (count: number): number[] => Array.from({ length: count }, (_, at) => at + 1)
const dimensions = (count: number): Parts => ({
  directive: { Dimensions: [many(count).map((at) => `d${at}`)] },
  root: Object.fromEntries(many(count).map((at) => [`d${at}`, "x"])),
})
const metrics = (count: number): Parts => ({
  directive: { Metrics: many(count).map((at) => ({ Name: `m${at}` })) },
  root: Object.fromEntries(many(count).map((at) => [`m${at}`, at])),
})

const GOOD: readonly (readonly [what: string, parts: Parts])[] = [
  ["as we write it", {}],
  ["values and counts", histogram()],
  ["an array of 100", { root: { requests: many(100) } }],
  ["100 values", histogram({ Values: many(100), Counts: many(100) })],
  ["30 dimensions", dimensions(30)],
  ["100 metrics", metrics(100)],
  ["a set without dimensions", { directive: { Dimensions: [[]] } }],
  ["high resolution", { metric: { StorageResolution: 1 } }],
  ["no unit", { metric: { Unit: undefined } }],
  ["14 days old", { time: NOW_MS - 14 * DAY_MS }],
  ["2 h ahead", { time: NOW_MS + 7_200_000 }],
  ["longest value", { root: { route: "x".repeat(1024) } }],
  ["other members", { root: { note: { any: "thing" } } }],
]
test.each(GOOD)("good: %s", (_, parts) => {
  expect(brokenRule(written(parts), 500, NOW_MS)).toBeUndefined()
})

const BAD: readonly (readonly [rule: EmfRule, what: string, parts: Parts])[] = [
  ["metadata", "none", { aws: 5 }],
  ["metadata", "unknown member", { aws: { Timestamp: NOW_MS, CloudWatchMetrics: [], LogGroupName: "x" } }],
  ["timestamp", "a text", { time: String(NOW_MS) }],
  ["timestamp", "a fraction", { time: NOW_MS + 0.5 }],
  ["timestamp", "too old", { time: NOW_MS - 14 * DAY_MS - 1 }],
  ["timestamp", "too new", { time: NOW_MS + 7_200_001 }],
  ["directive", "none", { directives: [] }],
  ["directive", "no list", { directives: {} }],
  ["directive", "unknown member", { directive: { Unit: "Count" } }],
  ["namespace", "empty", { directive: { Namespace: "" } }],
  ["namespace", "of AWS", { directive: { Namespace: "AWS/Logs" } }],
  ["namespace", "too long", { directive: { Namespace: "n".repeat(256) } }],
  ["namespace", "not its characters", { directive: { Namespace: "ü" } }],
  ["dimension_sets", "none", { directive: { Dimensions: [] } }],
  ["dimension_sets", "no list", { directive: { Dimensions: ["mesh"] } }],
  ["dimension_sets", "a name twice", { directive: { Dimensions: [["mesh", "mesh"]] } }],
  ["dimension_count", "31", dimensions(31)],
  ["dimension_name", "empty", { directive: { Dimensions: [[""]] } }],
  ["dimension_name", "colon first", { directive: { Dimensions: [[":a"]] }, root: { ":a": "x" } }],
  ["dimension_name", "251", { directive: { Dimensions: [["d".repeat(251)]] } }],
  ["dimension_value", "missing", { root: { route: undefined } }],
  ["dimension_value", "a number", { root: { route: 5 } }],
  ["dimension_value", "empty", { root: { route: "" } }],
  ["dimension_value", "blank", { root: { route: "  " } }],
  ["dimension_value", "control", { root: { route: "a\u0000" } }],
  ["dimension_value", "not ASCII", { root: { route: "ü" } }],
  ["dimension_value", "1,025", { root: { route: "x".repeat(1025) } }],
  ["dimension_value", "inherited", { directive: { Dimensions: [["__proto__"]] } }],
  ["metric_count", "none", { directive: { Metrics: [] } }],
  ["metric_count", "101", metrics(101)],
  ["metric_definition", "unknown member", { metric: { Value: 1 } }],
  [
    "metric_definition",
    "a name twice",
    { directive: { Metrics: [{ Name: "requests" }, { Name: "requests" }] } },
  ],
  ["metric_name", "empty", { metric: { Name: "" } }],
  ["metric_name", "256", { metric: { Name: "n".repeat(256) } }],
  ["unit", "ours", { metric: { Unit: "Requests" } }],
  ["resolution", "5", { metric: { StorageResolution: 5 } }],
  ["metric_missing", "no member", { metric: { Name: "errors" } }],
  ["metric_missing", "inherited", { metric: { Name: "toString" } }],
  ["metric_value", "a text", { root: { requests: "1" } }],
  ["metric_value", "NaN", { root: { requests: Number.NaN } }],
  ["metric_value", "infinite", { root: { requests: Number.POSITIVE_INFINITY } }],
  ["metric_value", "over 2^360", { root: { requests: 2 ** 361 } }],
  [
    "metric_value",
    "a statistic set, which has no percentiles",
    { root: { requests: { Max: 1, Min: 1, Count: 1, Sum: 1 } } },
  ],
  ["metric_value", "unknown statistic", histogram({ Mean: 1 })],
  ["metric_value", "NaN among values", histogram({ Values: [1, Number.NaN] })],
  ["metric_value", "NaN as sum", histogram({ Sum: Number.NaN })],
  ["value_count", "an empty array", { root: { requests: [] } }],
  ["value_count", "an array of 101", { root: { requests: many(101) } }],
  ["value_count", "101 values", histogram({ Values: many(101), Counts: many(101) })],
  ["counts", "fewer than values", histogram({ Counts: [3] })],
  ["counts", "a count of 0", histogram({ Counts: [0, 7] })],
]
test.each(BAD)("%s: %s", (rule, _, parts) => {
  expect(brokenRule(written(parts), 500, NOW_MS)).toBe(rule)
})

test("object and size", () => {
  for (const document of [undefined, null, 5, "x", []])
    expect(brokenRule(document, 10, NOW_MS)).toBe("object")
  expect(brokenRule(written({}), 1_048_576 - 26, NOW_MS)).toBeUndefined()
  expect(brokenRule(written({}), 1_048_576 - 25, NOW_MS)).toBe("size")
})

test("each rule is tried", () => {
  const tried = new Set<string>([...BAD.map(([rule]) => rule), "object", "size"])
  expect(Object.keys(EMF_RULES).filter((rule) => !tried.has(rule))).toEqual([])
})
