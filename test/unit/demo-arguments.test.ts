import { expect, test } from "vitest"
import { parseDemoArguments } from "../../demo/arguments.ts"
import { FaultProblem } from "../../demo/faults.ts"
import { readPlay } from "../../demo/session.ts"

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
  [["--json"], /--json needs --for/],
  [["--for", "soon"], /--for expects a duration/],
  [["--fault", "kill-app"], /--fault expects a line and a time/],
  [["--explode"], /--explode/],
])("%j is refused", (args, message) => {
  expect(() => parseDemoArguments(args)).toThrow(message)
})

test("JSON goes with a time", () => {
  expect(parseDemoArguments(["--for", "60s", "--json"])).toMatchObject({ forMs: 60_000, json: true })
})

test.each(["yelb", "extended"] as const)(
  "a fault that nobody knows is refused by %s's model alone",
  async (mesh) => {
    const known = [{ line: "weights 0:1", atMs: 1 }]
    const { faults, model } = await readPlay({ mesh, faults: known })
    expect(model.meshes).toHaveLength(1)
    const refused = readPlay({ mesh, faults: [...known, { line: "nosuch", atMs: 3000 }] })
    await expect(refused).rejects.toThrow(FaultProblem)
    const names = faults.map(({ name }) => name).join(", ")
    await expect(refused).rejects.toThrow(`There is no fault nosuch. There are: ${names}.`)
  },
)
