import * as fc from "fast-check"
import { expect, test } from "vitest"
import { startMicroseconds } from "../../agent/resolve/spans/start-time.ts"
import { b3Context, b3PartsContext, traceContext } from "../../agent/resolve/spans/trace-context.ts"

const X = "1-6b01e67c-1f03cf1aa75e4f6388b7e88b"
const TRACE = "6b01e67c1f03cf1aa75e4f6388b7e88b"
const SPAN = "7ff2155c8f2ea92a"
const none = undefined

test.each([
  [`Root=${X};Parent=${SPAN};Sampled=1`, TRACE, SPAN, true],
  [`Root=${X};Sampled=1`, TRACE, "", true],
  [`Root=${X};Parent=${SPAN};Sampled=0`, TRACE, SPAN, false],
  [`Root=${X};Parent=${SPAN};Sampled=?`, TRACE, SPAN, false],
  [`Root=${X}`, TRACE, "", false],
  [`Self=1-67891234-12456789abcdef012345678;Root=${X};Lineage=a:1|b:0; Sampled=1`, TRACE, "", true],
  [`Root=${X.toUpperCase()};Parent=${SPAN.toUpperCase()};Sampled=1`, TRACE, SPAN, true],
  [`Root=${X};Parent=0000000000000000;Sampled=1`, TRACE, "", true],
  [`00-${TRACE}-${SPAN}-01`, TRACE, SPAN, true],
  [`00-${TRACE}-${SPAN}-03`, TRACE, SPAN, true],
  [`00-${TRACE}-${SPAN}-00`, TRACE, SPAN, false],
  [`cc-${TRACE}-${SPAN}-01-what-comes-later`, TRACE, SPAN, true],
])("%s", (text, traceId, parentId, sampled) => {
  expect(traceContext(text)).toEqual({ traceId, parentId, sampled })
})

test.each([
  "",
  "-",
  TRACE,
  `ff-${TRACE}-${SPAN}-01`,
  `00-${"0".repeat(32)}-${SPAN}-01`,
  "Root=1-00000000-000000000000000000000000;Sampled=1",
  `Root=2${X.slice(1)};Sampled=1`,
  `Parent=${SPAN};Sampled=1`,
  `Root=${X};Sampled=1;${"x".repeat(600)}`,
])("no trace: %s", (text) => {
  expect(traceContext(text)).toBe(none)
})

test.each([
  [`${TRACE}-${SPAN}-1`, { traceId: TRACE, parentId: SPAN, sampled: true }],
  [`${TRACE}-${SPAN}-d`, { traceId: TRACE, parentId: SPAN, sampled: true }],
  [`${TRACE}-${SPAN}-1-05e3ac9a4f6e3b90`, { traceId: TRACE, parentId: SPAN, sampled: true }],
  [`${TRACE}-${SPAN}-0`, { traceId: TRACE, parentId: SPAN, sampled: false }],
  [`${TRACE}-${SPAN}`, { traceId: TRACE, parentId: SPAN, sampled: false }],
  [`${SPAN}-${SPAN}-1`, { traceId: `${"0".repeat(16)}${SPAN}`, parentId: SPAN, sampled: true }],
  ["0", none],
  [`${TRACE}-${SPAN}-2`, none],
])("b3: %s", (text, told) => {
  expect(b3Context(text)).toEqual(told)
})

test.each([
  [
    { traceId: TRACE, spanId: SPAN, sampled: "1", flags: "" },
    { traceId: TRACE, parentId: SPAN, sampled: true },
  ],
  [
    { traceId: TRACE, spanId: "", sampled: "true", flags: "" },
    { traceId: TRACE, parentId: "", sampled: true },
  ],
  [
    { traceId: TRACE, spanId: SPAN, sampled: "", flags: "1" },
    { traceId: TRACE, parentId: SPAN, sampled: true },
  ],
  [
    { traceId: TRACE, spanId: SPAN, sampled: "0", flags: "" },
    { traceId: TRACE, parentId: SPAN, sampled: false },
  ],
  [{ traceId: "", spanId: SPAN, sampled: "1", flags: "" }, none],
])("B3 in headers of their own: %o", (texts, told) => {
  expect(b3PartsContext(texts)).toEqual(told)
})

test("any text is read or refused, never a half id", () => {
  const hex = fc.string({
    unit: fc.constantFrom("0", "1", "9", "a", "f", "A", "F", "-", ";", "=", "Root", "Parent", SPAN, TRACE),
    maxLength: 80,
  })
  fc.assert(
    fc.property(fc.oneof(fc.string({ unit: "binary" }), hex), (text) => {
      for (const told of [traceContext(text), b3Context(text)]) {
        expect(told?.traceId ?? TRACE).toMatch(/^[0-9a-f]{32}$/)
        expect(told?.parentId ?? "").toMatch(/^(?:[0-9a-f]{16})?$/)
      }
    }),
  )
})

test.each([
  ["2026-11-21T18:44:12.046Z", 1_795_286_652_046_000],
  ["2026-11-21T18:44:12.046175Z", 1_795_286_652_046_175],
  ["2026-11-21T18:44:12Z", 1_795_286_652_000_000],
  ["2026-11-21T19:44:12.046+01:00", 1_795_286_652_046_000],
  ["2026-11-21 18:44:12.046Z", 1_795_286_652_046_000],
  ["1795286652.046", 1_795_286_652_046_000],
  ["1795286652.046175", 1_795_286_652_046_175],
  ["1795286652", 1_795_286_652_000_000],
  ["1795286652046", 1_795_286_652_046_000],
  ["2026-13-41T18:44:12Z", none],
  ["21/Nov/2026:18:44:12 +0000", none],
  ["2026-11-21T18:44:12.046", none],
  ["", none],
])("start %s", (text, us) => {
  expect(startMicroseconds(text)).toBe(us)
})
