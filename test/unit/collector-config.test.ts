import { describe, expect, it } from "vitest"
import type { Clock } from "#mesh/clock.ts"
import { parseCollectorConfig } from "../../collector/config.ts"
import { receiveClock } from "../../collector/receive-clock.ts"

const parse = (text: string) => parseCollectorConfig({ file: "/etc/meshscope/collector.yaml", text, env: {} })

describe("the collector's configuration", () => {
  it("serves this host alone, in memory, when nothing is said", () => {
    expect(parse("")).toEqual({
      listen: { host: "127.0.0.1", port: 4318 },
      store: { step: 15_000, series: 100_000 },
      agents: { most: 10_000, series: 200_000, silentAfter: 60_000, resend: 300_000 },
      intake: { maxBodyBytes: 16 * 2 ** 20, maxInflatedBytes: 64 * 2 ** 20, maxConcurrent: 32 },
    })
  })

  it("counts relative paths from its own folder", () => {
    const config = parse("store: {folder: data}\nintake: {tokenFile: ../secret/token}\n")
    expect(config.store.folder).toBe("/etc/meshscope/data")
    expect(config.intake.tokenFile).toBe("/etc/secret/token")
  })

  it.each([
    [
      "listn: x",
      "CONFIG_UNKNOWN_KEY",
      'collector.yaml:1:1: listn is not a known key; the nearest is "listen"',
    ],
    ["store: {step: 15}", "CONFIG_INVALID", "store.step expects a duration such as"],
    [
      "store: {step: 7s}",
      "CONFIG_INVALID",
      "store.step expects a duration of which a minute holds a whole number",
    ],
    ["store: {step: 60s}", "CONFIG_INVALID", "store.step expects at most 30s"],
    ["store: {series: 5}", "CONFIG_INVALID", "store.series"],
    ["listen: nowhere", "CONFIG_INVALID", "listen expects host:port"],
    ["intake: {maxBodyBytes: 12}", "CONFIG_INVALID", "intake.maxBodyBytes expects a size"],
    ["agents: [", "CONFIG_SYNTAX", ""],
  ])("%s: %s", (text, code, message) => {
    expect(() => parse(text)).toThrow(
      expect.objectContaining({ code, message: expect.stringContaining(message) }),
    )
  })
})

describe("the clock that windows are counted by", () => {
  it("goes on while the wall clock steps back, and follows it when it steps forward", () => {
    let wall = 1_000_000
    let monotonic = 5
    const clock: Clock = { now: () => wall, monotonic: () => monotonic, sleep: () => Promise.resolve() }
    const now = receiveClock(clock)
    const pass = (wallMs: number, monotonicMs: number): number => {
      wall += wallMs
      monotonic += monotonicMs
      return now() - 1_000_000
    }
    expect(pass(1000, 1000)).toBe(1000)
    expect(pass(-3_600_000, 10)).toBe(1010)
    expect(pass(500.7, 500.7)).toBe(1510)
    expect(pass(3_600_000, 0)).toBe(1510)
    expect(pass(1000, 1000)).toBe(2510)
    expect(pass(60_000, 1000)).toBe(62_500)
  })
})
