import { expect, test } from "vitest"
import { parseDemoArguments } from "../../demo/arguments.ts"

test("defaults: everyday load on yelb until Ctrl-C", () => {
  expect(parseDemoArguments([])).toEqual({
    help: false,
    forMs: undefined,
    json: false,
    rate: 20,
    seed: 1,
    mesh: "yelb",
    logs: "mixed",
    mix: "everyday",
    keep: false,
    bare: false,
    faults: [],
  })
})

test("faults come in the order of their times", () => {
  const { faults, forMs } = parseDemoArguments([
    "--for",
    "2m",
    "--fault",
    "weights 0:1@1m",
    "--fault",
    "kill-app@20s",
  ])
  expect(forMs).toBe(120_000)
  expect(faults).toEqual([
    { line: "kill-app", atMs: 20_000 },
    { line: "weights 0:1", atMs: 60_000 },
  ])
})

test.each([
  [["--rate", "fast"], /--rate expects a number/],
  [["--rate", ""], /--rate expects a number/],
  [["--mesh", "other"], /--mesh expects yelb or extended/],
  [["--for", "soon"], /--for expects a duration/],
  [["--fault", "kill-app"], /--fault expects a line and a time/],
  [["--explode"], /--explode/],
])("%j is refused", (args, message) => {
  expect(() => parseDemoArguments(args)).toThrow(message)
})
