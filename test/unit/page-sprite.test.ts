import { describe, expect, it } from "vitest"
import { HEALTH_STATES } from "#mesh/health.ts"
import { SPRITE } from "../../collector/page/sprite.ts"
import { state, stateClass } from "../../collector/page/state.ts"

/** What is drawn for the symbol with this name; empty where nothing is. */
function shapeOf(name: string): string {
  const found = new RegExp(`<symbol id="i-${name}"[^>]*>(.*?)</symbol>`, "su").exec(String(SPRITE))
  return found?.[1] ?? ""
}

describe("the shapes of states", () => {
  it.each(HEALTH_STATES)(
    "%s has one that is filled or drawn, and points to it beside its word",
    async (health) => {
      const name = stateClass(health)
      expect(shapeOf(name)).toMatch(/<(?:circle|path|rect) [^>]*currentColor/u)
      expect((await state(health)).toString()).toMatch(
        new RegExp(`class="i ${name}".*href="#i-${name}".*${health}</span>$`),
      )
    },
  )
  it("are told apart without colour: no two are the same, outline or mark", () => {
    const outlines = HEALTH_STATES.map((health) => /<[^>]*>/u.exec(shapeOf(stateClass(health)))?.[0])
    const marks = HEALTH_STATES.map((health) => shapeOf(stateClass(health)).split("/>")[1])
    expect(new Set(outlines).size).toBe(HEALTH_STATES.length)
    expect(new Set(marks).size).toBe(HEALTH_STATES.length)
  })
})
