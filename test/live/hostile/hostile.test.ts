import { setTimeout as sleep } from "node:timers/promises"
import { isDeepStrictEqual } from "node:util"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Counts } from "../rig/counts.ts"
import { judge, sum, type Verdict } from "./judge.ts"
import { foreignNames } from "./page.ts"
import { hostileRequests, MARK, rivalRequests } from "./requests.ts"
import { type Rig, startRig } from "./rig.ts"

/**
 * What callers make up goes through real Envoys into their logs: one request stays one record, no field moves without a
 * doubt that is counted, and nothing of it comes out on the page.
 */
const REQUESTS = 200
const SEED = 11
/** Of them and the rivals; the others are broken, or lead nowhere. */
const ARRIVED = 148

/** Our JSON format tears no field: there only a claimed path excuses. */
const excused = (kind: "json" | "text", doubts: Counts): number =>
  kind === "json" ? (doubts["forgeable"] ?? 0) : sum(doubts)

describe.each(["json", "text"] as const)("hostile requests in %s logs", (kind) => {
  let rig: Rig
  let verdict: Verdict

  beforeAll(async () => {
    rig = await startRig(kind)
    verdict = await judge(rig, kind, [...hostileRequests(REQUESTS, SEED), ...rivalRequests()])
  }, 60_000)

  afterAll(async () => {
    await rig?.stop()
  })

  test("one request is one record at each who saw it", async () => {
    expect(verdict.judged.filter(({ records }) => records.found !== records.wanted)).toEqual([])
    // A line too many would come now.
    await sleep(200)
    const { access, malformed, other, intermediate } = rig.agent.pipeline.lines.counters
    expect({ access, malformed, other, intermediate }).toEqual({
      access: verdict.lines,
      malformed: 0,
      other: 0,
      intermediate: 0,
    })
    expect(rig.agent.pipeline.lines.drops()).toEqual({ line_too_long: 0, bad_frame: 0 })
  })

  test("no route, outcome or target is wrong without a doubt", () => {
    expect(
      verdict.judged.filter(({ missing, reasons }) => sum(missing) > excused(kind, reasons.wanted)),
    ).toEqual([])
  })

  test("what the format cannot tell is doubted, line by line, and nothing else is", () => {
    expect(verdict.judged.filter(({ reasons }) => !isDeepStrictEqual(reasons.found, reasons.wanted))).toEqual(
      [],
    )
  })

  test("most of what is hostile gets as far as an application", () => {
    expect(verdict.arrived).toBe(ARRIVED)
  })

  test("nothing that a caller wrote is on the page", async () => {
    const page = await (await fetch(rig.agent.metricsUrl ?? "")).text()
    expect(page).toContain("mesh_requests_total")
    expect(page.split("\n").filter((line) => line.includes(MARK) || line.includes("__proto__"))).toEqual([])
    const proxies = [...rig.agent.pipeline.proxies].map(({ target }) => target.name)
    expect(foreignNames(page, rig.mesh, proxies)).toEqual([])
  })
})
