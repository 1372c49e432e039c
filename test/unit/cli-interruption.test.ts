import { EventEmitter } from "node:events"
import { expect, test } from "vitest"
import { interruption } from "../../cli/interruption.ts"

/** A process that keeps the code it was ended with. */
function interrupted() {
  const signals = new EventEmitter()
  const ended: number[] = []
  let now = 1000
  const signal = interruption(
    { on: (name, listener) => signals.on(name, listener), exit: (code) => ended.push(code) },
    { monotonic: () => now },
  )
  const press = (name: "SIGINT" | "SIGTERM", afterMs: number): void => {
    now += afterMs
    signals.emit(name)
  }
  return { signal, ended, press }
}

test("the first one asks to stop; what npm passes on of the same press is no second one", () => {
  const { signal, ended, press } = interrupted()
  expect(signal.aborted).toBe(false)
  press("SIGINT", 0)
  expect(signal.aborted).toBe(true)
  press("SIGINT", 20)
  expect(ended).toEqual([])
})

test.each(["SIGINT", "SIGTERM"] as const)("a later %s ends the process at once, with 130", (name) => {
  const { ended, press } = interrupted()
  press("SIGTERM", 0)
  press(name, 600)
  expect(ended).toEqual([130])
})
