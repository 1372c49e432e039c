import { expect, test } from "vitest"
import { checkedSplit } from "../../agent/publish/delivery/checked-split.ts"
import { type Numbered, numbered } from "../fixtures/queue/numbered.ts"

const at = (records: number[], body: string) => ({ records, body })
const NONE: ReadonlyMap<number, string> = new Map()

test.each([
  ["forgets one", { requests: [at([0, 2], "a")], refused: NONE }, ["a"], { 1: "unsplit" }],
  [
    "puts one into two requests",
    { requests: [at([0, 1], "a"), at([1, 2], "b"), at([2], "c")], refused: NONE },
    ["a", "c"],
    {},
  ],
  [
    "names one that is not there",
    { requests: [at([0, 7], "a"), at([1], "b")], refused: NONE },
    ["b"],
    { 0: "unsplit", 2: "unsplit" },
  ],
  ["makes an empty request", { requests: [at([], "a"), at([0, 1, 2], "b")], refused: NONE }, ["b"], {}],
  [
    "sends one that it refuses",
    {
      requests: [at([0, 1], "a")],
      refused: new Map([
        [1, "too_old"],
        [2, "too_old"],
        [9, "too_old"],
      ]),
    },
    ["a"],
    { 2: "too_old" },
  ],
])("a sink that %s", (_, split, bodies, refused) => {
  const checked = checkedSplit(
    { split: () => split },
    [1, 2, 3].map((id) => numbered(id)),
    0,
  )
  expect(checked.requests.map(({ body }) => body)).toEqual(bodies)
  expect(Object.fromEntries(checked.refused)).toEqual(refused)
})

function unlucky(some: readonly Numbered[]) {
  if (some.some(({ id }) => id === 13)) throw new Error("thirteen")
  return { requests: some.map((one, index) => at([index], String(one.id))), refused: NONE }
}

test("a sink that throws for one record loses that one", () => {
  const records = Array.from({ length: 21 }, (_, id) => numbered(id))
  const checked = checkedSplit({ split: unlucky }, records, 0)
  expect(Object.fromEntries(checked.refused)).toEqual({ 13: "unsplit" })
  expect(checked.requests.map(({ records: own, body }) => `${own.join(" ")}=${body}`)).toEqual(
    records.filter(({ id }) => id !== 13).map(({ id }) => `${id}=${id}`),
  )
})
