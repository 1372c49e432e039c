import { expect, test } from "vitest"
import { CODE_CLASSES, codeClass } from "#mesh/outcome.ts"
import { classOf } from "../../demo/truth.ts"

/** Boundaries of the classes, and what is no HTTP code at all. */
const TABLE: readonly (readonly [code: number, name: string])[] = [
  [-1, "none"],
  [0, "none"],
  [99, "none"],
  [100, "1xx"],
  [199, "1xx"],
  [200, "2xx"],
  [299, "2xx"],
  [300, "3xx"],
  [399, "3xx"],
  [400, "4xx"],
  [499, "4xx"],
  [500, "5xx"],
  [599, "5xx"],
  [600, "none"],
  [999, "none"],
]

test.each(TABLE)("code %i is of class %s, to the product and to the demo's truth", (code, name) => {
  expect(CODE_CLASSES[codeClass(code)]).toBe(name)
  expect(classOf(code)).toBe(name)
})
