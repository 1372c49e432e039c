import { readFileSync } from "node:fs"
import { describe, expect, it } from "vitest"

const css = readFileSync(new URL("../../collector/page/tokens.css", import.meta.url), "utf8")

/** `--name: light-dark(#light, #dark)` of the style sheet; a token that is another one follows it. */
function token(name: string, theme: 0 | 1): string {
  const found = new RegExp(`--${name}: (?:light-dark\\((#\\w{6}), (#\\w{6})\\)|var\\(--([\\w-]+)\\));`).exec(
    css,
  )
  const other = found?.[3]
  return other === undefined ? (found?.[theme + 1] ?? "") : token(other, theme)
}

/** Relative luminance by WCAG 2. */
function luminance(colour: string): number {
  const [r = 0, g = 0, b = 0] = [1, 3, 5]
    .map((at) => Number.parseInt(colour.slice(at, at + 2), 16) / 255)
    .map((value) => (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4))
  return 0.2126 * r + 0.7152 * g + 0.0722 * b
}

function contrast(a: string, b: string): number {
  const [low = 0, high = 0] = [luminance(a), luminance(b)].toSorted((x, y) => x - y)
  return (high + 0.05) / (low + 0.05)
}

const GROUNDS = ["page", "surface", "raised"] as const

describe.each([
  ["light", 0],
  ["dark", 1],
] as const)("tokens of the %s theme", (_, theme) => {
  it.each([
    ["ink", 4.8],
    ["ink-2", 4.8],
    ["ink-3", 4.8],
    ["accent", 4.8],
    ["none-ink", 4.8],
    ["ok-ink", 5],
    ["degraded-ink", 5],
    ["failing-ink", 5],
    ["unknown-ink", 5],
  ] as const)("%s can be read on every ground, at %d to 1", (name, least) => {
    for (const ground of GROUNDS)
      expect(contrast(token(name, theme), token(ground, theme))).toBeGreaterThanOrEqual(least)
  })
  it.each(["ok", "degraded", "failing", "none", "unknown", "flow", "focus"])(
    "%s is seen on page and surface, at 3 to 1",
    (name) => {
      for (const ground of ["page", "surface"])
        expect(contrast(token(name, theme), token(ground, theme))).toBeGreaterThanOrEqual(3)
    },
  )
  it("failing words can be read on their own ground", () => {
    expect(contrast(token("failing-ink", theme), token("failing-wash", theme))).toBeGreaterThanOrEqual(5)
  })
  it("the two blues of a canary differ in lightness", () => {
    expect(contrast(token("v1", theme), token("v2", theme))).toBeGreaterThan(1.4)
  })
})

it("no element is styled by an attribute, and no address of another host is named", () => {
  expect(css).not.toMatch(/url\((?!#)/)
  expect(css).not.toMatch(/@import/)
})
