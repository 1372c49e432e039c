import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { stringify } from "yaml"
import { adminAddress, adminAddressText, socketAddress, socketAddressText } from "#mesh/address.ts"
import { checkConfiguration } from "#mesh/configuration.ts"
import { editDistance, nearestName } from "#mesh/nearest.ts"
import { durationMs, durationText, sizeBytes, sizeText } from "#mesh/quantities.ts"
import type { Problem } from "#mesh/written-document.ts"
import { agentSchema } from "../../agent/config/schema.ts"

const word = fc.string({ unit: "binary", maxLength: 24 })

describe("quantities and addresses survive writing and reading", () => {
  test("durations", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 1e9 }), (ms) => {
        expect(durationMs(durationText(ms))).toBe(ms)
      }),
    )
  })

  test("sizes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 0, max: 2 ** 40 }), (bytes) => {
        expect(sizeBytes(sizeText(bytes))).toBe(bytes)
      }),
    )
  })

  test("addresses", () => {
    const port = fc.integer({ min: 1, max: 65_535 })
    fc.assert(
      fc.property(fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain()), port, (host, number) => {
        const text = socketAddressText({ host, port: number })
        expect(socketAddress(text)).toEqual({ host, port: number })
        const admin = adminAddress(text)
        expect(admin && adminAddressText(admin)).toBe(text)
      }),
    )
  })

  test("no text breaks them", () => {
    fc.assert(
      fc.property(word, (text) => {
        for (const read of [durationMs, sizeBytes]) expect(read(text) ?? 0).toBeGreaterThanOrEqual(0)
        const admin = adminAddress(text)
        expect(admin === undefined || adminAddressText(admin).length > 0).toBe(true)
      }),
    )
  })
})

describe("nearest names", () => {
  test("a distance is symmetric, and zero for the same alone", () => {
    fc.assert(
      fc.property(fc.stringMatching(/^[a-z]{0,12}$/), fc.stringMatching(/^[a-z]{0,12}$/), (a, b) => {
        expect(editDistance(a, b)).toBe(editDistance(b, a))
        expect(editDistance(a, b) === 0).toBe(a === b)
      }),
    )
  })

  test("one slip is found", () => {
    const known = ["interval", "timeout", "maxPageBytes", "clustersInterval"]
    fc.assert(
      fc.property(fc.constantFrom(...known), fc.nat(30), (name, at) => {
        const cut = at % name.length
        expect(nearestName(name.slice(0, cut) + name.slice(cut + 1), known)).toBe(name)
      }),
    )
  })
})

/** Problems that say nothing, or point outside the text. */
function misplaced(text: string): Problem[] {
  const checked = checkConfiguration(agentSchema, { file: "f", text, env: {} })
  const last = text.split(/\r\n|\r|\n/).length + 1
  return (checked.ok ? [] : checked.problems).filter(
    ({ line, column, sentence }) => line < 1 || line > last || column < 1 || sentence === "",
  )
}

describe("the parser and any text", () => {
  test("never throws, and every problem has a place in the text", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 200 }), (text) => {
        expect(misplaced(text)).toEqual([])
      }),
    )
    const yamlish = fc.array(
      fc.constantFrom(
        "a: ",
        "- ",
        "{",
        "}",
        "[",
        "]",
        "\n",
        "  ",
        "&x ",
        "*x",
        "${A}",
        "'",
        '"',
        "scrape:",
        "1",
        "!!t ",
      ),
      { maxLength: 40 },
    )
    fc.assert(
      fc.property(yamlish, (parts) => {
        expect(misplaced(parts.join(""))).toEqual([])
      }),
    )
  })

  test("holds for any value in the place of any setting", () => {
    const value = fc.oneof(
      fc.integer(),
      fc.boolean(),
      word,
      fc.constant(null),
      fc.array(word, { maxLength: 3 }),
    )
    const key = fc.constantFrom(
      "agent",
      "discover",
      "scrape",
      "logs",
      "model",
      "commit",
      "limits",
      "publish",
      "log",
    )
    const inner = fc.dictionary(
      fc.constantFrom("id", "static", "interval", "poll", "files", "series", "otlp", "level", "__proto__"),
      fc.oneof(value, fc.dictionary(fc.constantFrom("file", "targets", "endpoint", "headers"), value)),
    )
    fc.assert(
      fc.property(fc.dictionary(key, fc.oneof(value, inner)), (written) => {
        expect(misplaced(stringify(written))).toEqual([])
      }),
    )
  })
})
