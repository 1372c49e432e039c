import { describe, expect, test } from "vitest"
import { z } from "zod"
import { checkConfiguration, loadConfiguration, problemText } from "#mesh/configuration.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { byteSize, duration } from "#mesh/quantities.ts"

const schema = z.strictObject({
  scrape: z
    .strictObject({
      interval: duration({ min: "1s", max: "1h" }).prefault("15s"),
      maxPageBytes: byteSize({ min: "64KiB" }).prefault("64MiB"),
      page: z.enum(["auto", "text", "prometheus"]).default("auto"),
    })
    .prefault({}),
  series: z.int().min(1).default(10),
  name: z.string().optional(),
  on: z.boolean().default(true),
  targets: z.array(z.strictObject({ name: z.string() })).default([]),
  headers: z.record(z.string(), z.union([z.string(), z.strictObject({ file: z.string() })])).default({}),
})

function problems(text: string, env: Record<string, string> = {}): string[] {
  const checked = checkConfiguration(schema, { file: "f.yaml", text, env })
  return checked.ok ? [] : checked.problems.map(problemText)
}
function value(text: string, env: Record<string, string> = {}) {
  return loadConfiguration(schema, { file: "f.yaml", text, env })
}

const loadBroken = (): unknown => value("onn: 1\nseries: x")

describe("what a configuration may say", () => {
  test("an empty file is all defaults, also with empty sections", () => {
    const defaults = value("")
    expect(defaults.scrape).toEqual({ interval: 15_000, maxPageBytes: 64 * 1024 ** 2, page: "auto" })
    expect(value("# only a comment\n")).toEqual(defaults)
    expect(value("scrape:\n  # interval: 5s\ntargets:\n")).toEqual(defaults)
  })

  test("variables become numbers and booleans where they stand unquoted", () => {
    expect(value("series: ${N}", { N: "7" }).series).toBe(7)
    expect(value("on: ${ON:-false}").on).toBe(false)
    expect(value("on: ${ON:-false}", { ON: "" }).on).toBe(false)
    expect(value('name: "${N}"', { N: "7" }).name).toBe("7")
    expect(value("name: a-${N}-$$5-$x", { N: "7" }).name).toBe("a-7-$5-$x")
  })

  test("a variable cannot change the structure, and a comment refers to nothing", () => {
    expect(value("name: ${N} # ${NOT_SET}", { N: "a\nseries: 3" })).toMatchObject({
      name: "a\nseries: 3",
      series: 10,
    })
  })

  test("aliases work", () => {
    expect(value("targets: [&a {name: x}, *a]").targets).toEqual([{ name: "x" }, { name: "x" }])
  })
})

describe("what is wrong is said with its place", () => {
  const rows: readonly [why: string, text: string, expected: readonly string[]][] = [
    [
      "unknown key",
      "scrape:\n  intervall: 5s\n",
      ['f.yaml:2:3: scrape.intervall is not a known key; the nearest is "interval"'],
    ],
    [
      "unknown key far from all",
      "scrape:\n  x_y_z: 5s\n",
      ["f.yaml:2:3: scrape.x_y_z is not a known key; known here: interval, maxPageBytes, page"],
    ],
    [
      "unknown key without value",
      "srape:\n",
      ['f.yaml:1:1: srape is not a known key; the nearest is "scrape"'],
    ],
    [
      "unknown key in a list",
      "targets:\n  - name: a\n  - nam: b\n",
      [
        "f.yaml:3:5: targets[1].name is missing; expects a text",
        'f.yaml:3:5: targets[1].nam is not a known key; the nearest is "name"',
      ],
    ],
    [
      "duration without unit",
      "scrape: {interval: 15}",
      ["f.yaml:1:20: scrape.interval expects a duration such as 500ms, 15s, 5m or 1h30m, not 15"],
    ],
    [
      "duration of an odd unit",
      "scrape: {interval: 15 weeks}",
      ['f.yaml:1:20: scrape.interval expects a duration such as 500ms, 15s, 5m or 1h30m, not "15 weeks"'],
    ],
    [
      "duration out of bounds",
      "scrape:\n  interval: 2h",
      ['f.yaml:2:13: scrape.interval expects at most 1h, not "2h"'],
    ],
    [
      "size out of bounds",
      "scrape:\n  maxPageBytes: 1B",
      ['f.yaml:2:17: scrape.maxPageBytes expects at least 64KiB, not "1B"'],
    ],
    [
      "one of",
      "scrape:\n  page: prometeus",
      [
        'f.yaml:2:9: scrape.page expects one of auto, text, prometheus, not "prometeus"; the nearest is "prometheus"',
      ],
    ],
    ["wrong kind", "scrape: 3", ["f.yaml:1:9: scrape expects a mapping, not 3"]],
    ["list for text", "name: [a]", ["f.yaml:1:7: name expects a text, not a list"]],
    ["whole number", "series: 1.5", ["f.yaml:1:9: series expects a whole number, not 1.5"]],
    ["too small", "series: 0", ["f.yaml:1:9: series expects at least 1, not 0"]],
    [
      "inside a union",
      "headers:\n  a: {fil: x}",
      [
        "f.yaml:2:3: headers.a.file is missing; expects a text",
        'f.yaml:2:7: headers.a.fil is not a known key; the nearest is "file"',
      ],
    ],
    [
      "several at once, in the file's order",
      "series: x\nscrape:\n  page: 3\nonn: true\n",
      [
        'f.yaml:1:9: series expects a number, not "x"',
        "f.yaml:3:9: scrape.page expects one of auto, text, prometheus, not 3",
        'f.yaml:4:1: onn is not a known key; the nearest is "on"',
      ],
    ],
    [
      "variable not set",
      "name: a\nseries: ${N}",
      [
        "f.yaml:2:9: series needs the environment variable N, which is not set; set it, or write ${N:-default}",
      ],
    ],
    [
      "broken reference",
      "name: ${1}",
      ["f.yaml:1:7: name expects ${NAME} or ${NAME:-default}; write $$ for a dollar sign"],
    ],
    ["a key twice", "series: 1\nseries: 2", ["f.yaml:2:1: the same key stands above; keep one of the two"]],
    ["a file that is a list", "- 1", ["f.yaml:1:1: expects a mapping, not a list"]],
  ]
  test.each(rows)("%s", (_why, text, expected) => {
    expect(problems(text)).toEqual(expected)
  })

  test("what came from the environment is not printed", () => {
    const [problem] = problems("series: ${SECRET}", { SECRET: "hunter2" })
    expect(problem).toBe("f.yaml:1:9: series expects a number, not the value of ${SECRET}")
  })

  test("YAML that cannot be read", () => {
    const [first] = problems("a: [1, 2\nb: 3\n")
    expect(first).toMatch(/^f\.yaml:\d+:\d+: /)
  })

  test("prototype keys are keys like others", () => {
    expect(problems("__proto__: {a: 1}\nconstructor: 3")).toEqual([
      expect.stringMatching(/^f\.yaml:1:1: __proto__ is not a known key/),
      expect.stringMatching(/^f\.yaml:2:1: constructor is not a known key/),
    ])
  })

  test("alias bombs and cycles end", () => {
    const rungs = ["a: &a [x, x, x, x, x, x, x, x, x]"]
    for (let i = 1; i < 9; i += 1) {
      const below = `*a${i > 1 ? i - 1 : ""}`
      rungs.push(`a${i}: &a${i} [${`${below}, `.repeat(9)}]`)
    }
    expect(problems(rungs.join("\n"))).not.toEqual([])
    expect(problems("targets: &t [*t]")).not.toEqual([])
  })

  test("the thrown error carries the first code and every problem", () => {
    expect(loadBroken).toThrow(MeshscopeError)
    expect(loadBroken).toThrow(/f\.yaml:1:1: onn .*\nf\.yaml:2:9: series/)
    expect(loadBroken).toThrow(expect.objectContaining({ code: "CONFIG_UNKNOWN_KEY", retryable: false }))
  })
})
