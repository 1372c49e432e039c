import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { MeshscopeError } from "#mesh/errors.ts"
import { type Level, makeLog } from "../../agent/telemetry/log.ts"

function opened(level: Level = "debug") {
  const written: string[] = []
  const held: Level[] = []
  const time = { now: 0 }
  const clock = {
    now: () => Date.parse("2026-11-21T12:00:00Z") + time.now,
    monotonic: () => time.now,
    sleep: () => Promise.resolve(),
  }
  const log = makeLog({
    clock,
    level,
    stream: { write: (line) => written.push(line) },
    suppressed: (at) => held.push(at),
  })
  const records = (): Record<string, unknown>[] => written.map((line) => JSON.parse(line))
  return { log, written, held, time, records }
}

describe("the agent's log", () => {
  test("is a sentence plus fields, one JSON object a line", () => {
    const { log, written } = opened()
    log.info("The agent started.", { id: "node-1", targets: 3 })
    expect(written).toEqual([
      '{"time":"2026-11-21T12:00:00.000Z","level":"info","message":"The agent started.","id":"node-1","targets":3}\n',
    ])
  })

  test("tells of errors what helps, causes too", () => {
    const { log, records } = opened()
    const cause = new Error("ECONNREFUSED")
    log.error("A scrape failed.", { error: new MeshscopeError("ADMIN_UNREACHABLE", "No answer.", { cause }) })
    log.error("Odd.", { error: "text" })
    expect(records()).toMatchObject([
      { error: "No answer.", errorCode: "ADMIN_UNREACHABLE", cause: "ECONNREFUSED" },
      { error: "text" },
    ])
  })

  test("leaves out what is below its level", () => {
    const { log, records, held } = opened("warn")
    log.debug("a")
    log.info("b")
    log.warn("c")
    log.error("d")
    expect(records().map(({ message }) => message)).toEqual(["c", "d"])
    expect(held).toEqual([])
  })

  test("lets five of the same pass a minute, then says how many were held back", () => {
    const { log, records, held, time } = opened()
    const say = (target: string): void => log.warn("A scrape failed.", { code: "ADMIN_TIMEOUT", target })
    for (let i = 0; i < 100; i += 1) say("a")
    say("b")
    expect(records()).toHaveLength(6)
    expect(held).toHaveLength(95)
    time.now += 60_000
    say("a")
    say("a")
    expect(records().slice(6)).toMatchObject([{ target: "a", suppressed: 95 }, { target: "a" }])
    expect(records().at(-1)).not.toHaveProperty("suppressed")
  })

  test("stays bounded when targets are made up, and recovers", () => {
    const { log, records, time } = opened()
    for (let i = 0; i < 50_000; i += 1) log.warn("x", { target: `t${i}` })
    expect(records().length).toBeLessThanOrEqual(1010)
    time.now += 60_000
    log.warn("x", { target: "new" })
    expect(records().at(-1)).toMatchObject({ target: "new" })
  })

  test("never throws, and writes one line of harmless JSON whatever the fields", () => {
    const circle: Record<string, unknown> = { big: 1n }
    circle["self"] = circle
    fc.assert(
      fc.property(fc.anything({ withBigInt: true }), fc.string({ unit: "binary" }), (value, text) => {
        const { log, written } = opened()
        log.error("s", { value, text, target: text })
        expect(written).toHaveLength(1)
        expect(written[0]).toMatch(/^\{[^\p{Cc}\u2028\u2029\u202E]*\}\n$/u)
        expect(JSON.parse(written[0] ?? "")).toMatchObject({ level: "error", message: "s" })
      }),
    )
    const { log, records } = opened()
    log.error("s", { circle, long: "x".repeat(1e6) })
    log.error("t", { long: "x".repeat(1e6) })
    expect(records()[0]).toMatchObject({ message: "s", fields: "not writable as JSON" })
    expect(String(records()[1]?.["long"]).length).toBe(2001)
  })
})
