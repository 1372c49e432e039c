import * as fc from "fast-check"
import { expect, test } from "vitest"
import { Field, makeAccessFact } from "#mesh/access.ts"
import { makeTraceHeader, readTraceHeader } from "#mesh/trace-header.ts"

const HEAD = "67891233"
const TAIL = "abcdef012345678912345678"

function read(text: string) {
  const fact = makeAccessFact()
  fact.bytes = Buffer.from(`..${text}..`)
  fact.spans[Field.traceId * 2] = 2
  fact.spans[Field.traceId * 2 + 1] = fact.bytes.length - 2
  const header = makeTraceHeader()
  readTraceHeader(fact, header)
  const digits = (at: number, count: number): string => fact.bytes.toString("latin1", at, at + count)
  if (header.form === "none") return undefined
  return [header.form, digits(header.headAt, 8) + digits(header.tailAt, 24), header.sampled]
}

test.each([
  [`Root=1-${HEAD}-${TAIL};Sampled=1`, "xray", true],
  [`Root=1-${HEAD}-${TAIL};Parent=53995c3f42cd8ad8;Sampled=0`, "xray", false],
  [`Root=1-${HEAD}-${TAIL};Parent=53995c3f42cd8ad8;Sampled=?`, "xray", undefined],
  [`Self=1-00000001-${"1".repeat(24)};Root=1-${HEAD}-${TAIL};Lineage=a:1;Sampled=1`, "xray", true],
  [`Sampled=1;Root=1-${HEAD}-${TAIL}`, "xray", true],
  [`Root=1-${HEAD}-${TAIL}`, "xray", undefined],
  [`1-${HEAD}-${TAIL}`, "xray", undefined],
  [`00-${HEAD}${TAIL}-53995c3f42cd8ad8-01`, "w3c", true],
  [`00-${HEAD}${TAIL}-53995c3f42cd8ad8-00`, "w3c", false],
  [`cc-${HEAD}${TAIL}-53995c3f42cd8ad8-0b-more`, "w3c", true],
  [`${HEAD}${TAIL}`, "bare", undefined],
])("%s is %s, sampled %s", (text, form, sampled) => {
  expect(read(text)).toEqual([form, `${HEAD}${TAIL}`, sampled])
})

test.each([
  "",
  "Root=",
  `Root=2-${HEAD}-${TAIL}`,
  `Root=1-${HEAD}-${TAIL}0`,
  `Root=1-${HEAD}${TAIL}0`,
  `Root=1-${HEAD.toUpperCase()}-${TAIL.toUpperCase()}`,
  `Root=1-${"0".repeat(8)}-${"0".repeat(24)};Sampled=1`,
  "0".repeat(32),
  `00-${"0".repeat(32)}-53995c3f42cd8ad8-01`,
  `00-${HEAD}${TAIL}-53995c3f42cd8ad8-0`,
  `00-${HEAD}${TAIL}-53995c3f42cd8ad8-011`,
  `${HEAD}${TAIL}${"x".repeat(500)}`,
])("%s is none", (text) => {
  expect(read(text)).toBeUndefined()
})

test("no bytes make it read beside its span", () => {
  fc.assert(
    fc.property(
      fc.string({
        unit: fc.constantFrom("Root=", "Sampled=", "1-", "-", ";", "0", "1", "a".repeat(8), "b".repeat(24)),
        maxLength: 12,
      }),
      (text) => {
        expect(text.replaceAll("-", "")).toContain(read(text)?.[1] ?? "")
      },
    ),
  )
})
