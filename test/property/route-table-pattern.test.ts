import * as fc from "fast-check"
import { describe, expect, it } from "vitest"
import { compilePattern } from "../../agent/resolve/pattern/pattern.ts"

/** Patterns that JavaScript and RE2 read alike, built from parts so that every one is valid. */
const pattern = fc.letrec<{ one: string; more: string }>((tie) => ({
  one: fc.oneof(
    { maxDepth: 1, depthIdentifier: "nesting" },
    fc.constantFrom("a", "b", "/", ".", "\\d", "\\w", "[a-c]", "[^/]", "\\.", "[ab/]", "\\D"),
    tie("more").map((inner) => `(${inner})`),
    tie("more").map((inner) => `(?:${inner})`),
  ),
  more: fc
    .array(fc.tuple(tie("one"), fc.constantFrom("", "", "*", "+", "?", "{2}", "{1,3}", "*?")), {
      minLength: 1,
      maxLength: 4,
    })
    .chain((parts) =>
      fc.constantFrom(
        parts.map(([atom, count]) => atom + count).join(""),
        parts.map(([atom, count]) => atom + count).join("|"),
      ),
    ),
})).more

const subject = fc
  .array(fc.constantFrom("a", "b", "c", "d", "/", ".", "1", "2"), { maxLength: 7 })
  .map((parts) => parts.join(""))

/** A match that does not begin as the pattern says every match does. */
function wrong(source: string, text: string): boolean {
  const compiled = compilePattern(source)
  return compiled?.matches(text) === true && !text.startsWith(compiled.literalPrefix)
}

describe("patterns", () => {
  it("match whole texts as a backtracking engine does", () => {
    fc.assert(
      fc.property(pattern, subject, (source, text) => {
        // A text this short cannot drive the backtracking engine far.
        const expected = new RegExp(`^(?:${source})$`).test(text)
        expect(compilePattern(source)?.matches(text)).toBe(expected)
      }),
      { numRuns: 1500 },
    )
  })

  it("name a literal beginning that every match has", () => {
    fc.assert(
      fc.property(pattern, subject, (source, text) => {
        expect(wrong(source, text)).toBe(false)
      }),
      { numRuns: 1000 },
    )
  })

  it.each([
    ["/api/[a-z]+", false, "/api/abc", true],
    ["(?i)/API/x", false, "/api/X", true],
    ["/api/x", true, "/API/X", true],
    ["(?P<name>[[:alpha:]]+)-(?<two>\\d{2,})", false, "abc-123", true],
    ["^/a$", false, "/a", true],
    ["/a\\?b", false, "/a?b", true],
    ["[^[:digit:]]+", false, "ab1", false],
    ["\\x2fa\\x{62}", false, "/ab", true],
    ["a||b", false, "", true],
  ] as const)("reads %s (ignoring case: %s) against %s", (source, ignoreCase, text, expected) => {
    expect(compilePattern(source, ignoreCase)?.matches(text)).toBe(expected)
  })

  it.each([
    "\\bword",
    "\\pL",
    "(?=look)",
    "a**",
    "(unclosed",
    "[unclosed",
    "a{2000}",
    "x\\",
    "((a{1000}){1000})",
  ])("leaves %s open", (source) => {
    expect(compilePattern(source)).toBeUndefined()
  })

  it("needs no more than a moment for what drives others mad", () => {
    const evil = compilePattern("(a+)+(a*)*b")
    const start = performance.now()
    for (let length = 10; length < 5000; length += 100) evil?.matches("a".repeat(length))
    expect(performance.now() - start).toBeLessThan(1000)
  })

  it("answers nothing when it would take too long", () => {
    expect(compilePattern("a{900}")?.matches("a".repeat(5000))).toBeUndefined()
  })
})
