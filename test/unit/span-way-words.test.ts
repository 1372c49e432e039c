import { expect, test } from "vitest"
import { spanWaysText } from "../../agent/resolve/spans/way.ts"
import { SPAN_WAYS, spanWayKinds } from "../../mesh/span-way.ts"

const WAYS = [
  [{ kind: "agent", by: "otlp-grpc" }, "agent"],
  [{ kind: "elsewhere", to: "10.0.0.8:2000" }, "elsewhere"],
  [{ kind: "elsewhere", to: "127.0.0.1:2000 of its own pod" }, "own-pod"],
  [{ kind: "elsewhere", to: "[::1]:9411 of its own pod, ..." }, "own-pod"],
  [{ kind: "lines" }, "lines"],
  [{ kind: "none" }, "none"],
  [{ kind: "unknown" }, "unknown"],
] as const

test.each(WAYS)("%j as an agent writes it is understood", (way, kind) => {
  expect(spanWayKinds(spanWaysText([way]))).toEqual([kind])
})

test("of several ways each is told once", () => {
  const ways = WAYS.map(([way]) => way)
  expect(spanWayKinds(spanWaysText(ways))).toEqual([
    "agent",
    "elsewhere",
    "own-pod",
    "lines",
    "none",
    "unknown",
  ])
})

test("what another version tells is not guessed", () => {
  for (const text of ["", "by pigeon", "constructor"]) expect(spanWayKinds(text)).toEqual(["unknown"])
})

test("whatever keeps spans from the agent comes with what to do", () => {
  for (const kind of ["elsewhere", "own-pod", "none", "unknown"] as const)
    expect(SPAN_WAYS[kind].todo).not.toBe("")
})
