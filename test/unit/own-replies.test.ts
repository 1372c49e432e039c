import { expect, test } from "vitest"
import { Carry } from "../../agent/account/stats/carry.ts"
import { OwnReplies } from "../../agent/account/stats/own-replies.ts"

const CLASS_4XX = 2

/** One look: what the manager counted beyond the clusters, what these answered, and how often no route was found. */
type Look = readonly [replies: number, passed: number, noRoute?: number]

function told(looks: readonly Look[], end = false): Record<string, number> {
  const own = new OwnReplies(new Carry(), "ingress", false)
  const counts: Record<string, number> = {}
  const settle = (last: boolean): void =>
    own.settle(last, (replies, index, flag) => {
      if (replies === 0) return
      expect(index).toBe(CLASS_4XX)
      counts[flag ?? "-"] = (counts[flag ?? "-"] ?? 0) + replies
    })
  for (const [replies, passed, noRoute = 0] of looks) {
    own.see(CLASS_4XX, replies, passed)
    own.cause("NR", noRoute)
    settle(false)
  }
  if (end) settle(true)
  return counts
}

test("a reply with a cause is told at the second look", () => {
  expect(told([[1, 0, 1]])).toEqual({})
  expect(
    told([
      [1, 0, 1],
      [0, 0],
    ]),
  ).toEqual({ NR: 1 })
})

test("answers of a cluster that two looks took for replies cost no later reply its cause", () => {
  const early: Look[] = [
    [3, 50],
    [0, 50],
  ]
  expect(
    told([
      ...early,
      [-2, 50, 1], // three were the cluster's, and one request found no route
      [0, 0],
      [0, 0],
    ]),
  ).toEqual({ NR: 1 })
  expect(told([...early, [-3, 50], [0, 50], [1, 50, 1], [0, 0], [0, 0]])).toEqual({ NR: 1 })
})

test("a cause that is read before its reply outlives an answer that a cluster counted first", () => {
  expect(
    told([
      [0, 10, 1], // no route was found; the reply is not on the page yet
      [1 - 1, 10], // it is, and so is a cluster's answer that the manager has not counted
      [1, 10],
      [0, 10],
      [0, 0],
      [0, 0],
    ]),
  ).toEqual({ NR: 1 })
})

test("a cause without a reply explains no later one", () => {
  expect(
    told([
      [0, 10, 1],
      [0, 10],
      [0, 10],
      [0, 10],
      [1, 10],
      [0, 0],
      [0, 0],
    ]),
  ).toEqual({ "-": 1 })
  expect(
    told([
      [0, 0, 1],
      [0, 0],
      [1, 0],
      [0, 0],
      [0, 0],
    ]),
  ).toEqual({ "-": 1 })
})

test("a reply that no cause explains is told after three looks, while answers pass", () => {
  const looks: Look[] = [
    [5, 50],
    [0, 50],
    [0, 50],
    [0, 50],
  ]
  expect(told(looks.slice(0, 3))).toEqual({})
  expect(told(looks)).toEqual({ "-": 3 })
  expect(told([...looks, [0, 0]])).toEqual({ "-": 5 })
})

test("with no answers about, or no further look, all that is known is told", () => {
  expect(
    told([
      [4, 0],
      [0, 0],
    ]),
  ).toEqual({ "-": 4 })
  expect(told([[4, 50]], true)).toEqual({ "-": 4 })
})
