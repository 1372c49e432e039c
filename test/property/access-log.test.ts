import * as fc from "fast-check"
import { expect, test } from "vitest"
import { compileFormat } from "../../agent/decode/access-log/compile.ts"
import { type AccessLogDecoder, DecodeResult } from "../../agent/decode/access-log/decoder.ts"
import { DEFAULT_TEXT } from "../../agent/decode/access-log/default-format.ts"
import { LineFramer } from "../../agent/decode/access-log/framing.ts"
import { LineReader, LineResult } from "../../agent/decode/access-log/line-reader.ts"
import { type AccessFact, FIELD_COUNT, Field, fieldText } from "../../mesh/access.ts"
import { flagBits } from "../../mesh/flags.ts"
import type { JsonFormat } from "../../mesh/proxy.ts"

/** Bytes that a caller likes to send: the signs that a line is made of, controls, halves of UTF-8, pieces of true lines. */
const hostile = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        '"',
        " ",
        '" "',
        "-",
        '"-"',
        "\\",
        "{",
        "}",
        ",",
        ":",
        " HTTP/1.1",
        ' HTTP/1.1" 200 - 0 0 0 - "',
        "\u0000",
        "\u001b",
        "é",
        "😀",
        "__proto__",
        "%0a",
      ),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 8 },
  )
  .map((parts) => parts.join("").replaceAll("\n", " "))
const word = fc.stringMatching(/^[a-z0-9./:_-]{2,30}$/)
const count = fc.integer({ min: 0, max: 2 ** 40 })
const flags = fc.constantFrom("-", "UF,URX", "DC", "NR", "UH")

const request = fc.record({
  path: hostile,
  agent: hostile,
  id: hostile,
  forwarded: hostile,
  authority: word,
  host: word,
  code: fc.integer({ min: 0, max: 599 }),
  flags,
  received: count,
  sent: count,
  duration: count,
  service: fc.option(count, { nil: undefined }),
})
type Request = typeof request extends fc.Arbitrary<infer R> ? R : never

const TIME = "2026-11-20T15:53:52.113Z"
const textLine = (r: Request): string =>
  `[${TIME}] "GET /${r.path} HTTP/1.1" ${r.code} ${r.flags} ${r.received} ${r.sent} ${r.duration} ${r.service ?? "-"} "${r.forwarded}" "${r.agent}" "${r.id}" "${r.authority}" "${r.host}"`

/** Reads a line in the middle of a buffer that is overwritten afterwards unless the fact is looked at in time. */
function read<T>(
  decoder: AccessLogDecoder,
  line: Buffer,
  look: (fact: AccessFact) => T,
): { result: number; seen: T | undefined } {
  const bytes = Buffer.concat([Buffer.from('"x": "'), line, Buffer.from('\n"GET "')])
  const result = decoder.decode(bytes, 6, 6 + line.length)
  return { result, seen: result === DecodeResult.ok ? look(decoder.fact) : undefined }
}

const shown = (text: string): string | undefined => (text === "" || text === "-" ? undefined : text)

test("a text line is one request, and nothing in it is passed for something else without being called doubtful", () => {
  const decoder = compileFormat({ kind: "default" }, "http")
  fc.assert(
    fc.property(request, (r) => {
      const { result } = read(decoder, Buffer.from(textLine(r)), () => undefined)
      expect(result).toBe(DecodeResult.ok)
      const { fact } = decoder
      // Envoy's own words at the ends of the line hold whatever the caller wrote between.
      expect([
        fieldText(fact, Field.method),
        fieldText(fact, Field.authority),
        fieldText(fact, Field.upstreamHost),
      ]).toEqual(["GET", shown(r.authority), shown(r.host)])
      if (fact.doubtful) return
      const truth = [r.code, flagBits(r.flags), r.received, r.sent, r.duration, r.service ?? -1]
      expect([
        fact.code,
        fact.flags,
        fact.bytesReceived,
        fact.bytesSent,
        fact.durationMs,
        fact.upstreamMs,
      ]).toEqual(truth)
      expect(fieldText(fact, Field.eitherPath)).toBe(`/${r.path}`)
      expect(fieldText(fact, Field.userAgent)).toBe(shown(r.agent))
      expect(fieldText(fact, Field.requestId)).toBe(shown(r.id))
      expect(fieldText(fact, FIELD_COUNT)).toBe(shown(r.forwarded))
    }),
    { numRuns: 2000 },
  )
})

test("a path without blanks cannot forge the numbers, doubtful or not", () => {
  const decoder = compileFormat({ kind: "default" }, "http")
  fc.assert(
    fc.property(request, (r) => {
      const path = r.path.replaceAll(" ", "")
      read(decoder, Buffer.from(textLine({ ...r, path })), () => undefined)
      const { fact } = decoder
      expect([fact.code, fact.flags, fact.durationMs]).toEqual([r.code, flagBits(r.flags), r.duration])
      expect(fieldText(fact, Field.eitherPath)).toBe(`/${path}`)
    }),
    { numRuns: 1000 },
  )
})

const PLAIN: Request = {
  path: "",
  agent: "",
  id: "",
  forwarded: "",
  authority: "a.b",
  host: "c.d",
  code: 0,
  flags: "-",
  received: 0,
  sent: 0,
  duration: 0,
  service: undefined,
}
/** Where the flags of that line are, as the mutations count. */
const FLAGS_AT = 19
const QUOTE = 34

test("the written-out way, the general quick way and the careful way agree", () => {
  const quick = compileFormat({ kind: "default" }, "http")
  // A blank at the end makes it another format, read by the general ways.
  const general = compileFormat({ kind: "text", text: `${DEFAULT_TEXT.trimEnd()} ` }, "http")
  fc.assert(
    fc.property(request, fc.array(fc.tuple(fc.nat(300), fc.nat(255)), { maxLength: 3 }), (r, mutations) => {
      const line = Buffer.from(textLine(r))
      // The time before is Envoy's own; no way looks at all of it.
      for (const [at, byte] of mutations) if (at + 27 < line.length && byte !== 10) line[at + 27] = byte
      const one = read(quick, line, snapshot)
      const other = read(general, Buffer.concat([line, Buffer.from(" ")]), snapshot)
      expect(other).toEqual(one)
    }),
    { numRuns: 2000, examples: [[PLAIN, [[FLAGS_AT, QUOTE]]]] },
  )
})

function snapshot(fact: AccessFact): unknown[] {
  const {
    kind,
    code,
    flags: bits,
    grpcStatus,
    durationMs,
    upstreamMs,
    bytesReceived,
    bytesSent,
    attempts,
    doubtful,
  } = fact
  const texts = Array.from({ length: fact.spans.length / 2 }, (_, index) => fieldText(fact, index))
  return [
    kind,
    code,
    bits,
    grpcStatus,
    durationMs,
    upstreamMs,
    bytesReceived,
    bytesSent,
    attempts,
    doubtful,
    ...texts,
  ]
}

const FIELDS: JsonFormat = {
  path: "%REQ(:PATH)%",
  code: "%RESPONSE_CODE%",
  agent: "%REQ(USER-AGENT)%",
  flags: "%RESPONSE_FLAGS%",
  duration: "%DURATION%",
  where: { authority: "%REQ(:AUTHORITY)%", host: "%UPSTREAM_HOST%" },
  note: "%DYNAMIC_METADATA(a:b)%",
}

/** Keys sorted or in another order, controls escaped as Envoy does, numbers as numbers or texts. */
function jsonLine(r: Request, reversed: boolean, asText: boolean, unicode: boolean): string {
  const line = {
    agent: r.agent,
    code: asText ? String(r.code) : r.code,
    duration: r.duration,
    flags: r.flags,
    note: { any: [r.id, { deep: null }] },
    path: r.path,
    where: { authority: r.authority, host: r.host },
  }
  const entries = Object.entries(line)
  const text = JSON.stringify(Object.fromEntries(reversed ? entries.toReversed() : entries))
  return unicode
    ? text.replaceAll(/\\(["\\])/g, (_, sign) => (sign === '"' ? String.raw`\u0022` : String.raw`\u005c`))
    : text
}

test("a JSON line says what JSON.parse says, by template and by scan", () => {
  const decoder = compileFormat({ kind: "json", fields: FIELDS }, "http")
  fc.assert(
    fc.property(request, fc.boolean(), fc.boolean(), fc.boolean(), (r, reversed, asText, unicode) => {
      const { result } = read(decoder, Buffer.from(jsonLine(r, reversed, asText, unicode)), () => undefined)
      expect(result).toBe(DecodeResult.ok)
      const { fact } = decoder
      expect(fact.doubtful).toBe(false)
      expect([fact.code, fact.flags, fact.durationMs]).toEqual([r.code, flagBits(r.flags), r.duration])
      const seen = [Field.path, Field.userAgent, Field.authority, Field.upstreamHost].map((field) =>
        fieldText(fact, field),
      )
      // A lone surrogate has no bytes of its own: U+FFFD stands for it on both sides.
      expect(seen).toEqual([r.path, r.agent, r.authority, r.host].map((text) => shown(text.toWellFormed())))
    }),
    { numRuns: 2000 },
  )
})

test("mutated lines never throw, and nothing outside the line is read", () => {
  const loggers = [
    { format: { kind: "default" }, kind: "http" },
    { format: { kind: "json", fields: FIELDS }, kind: "http" },
    { format: { kind: "text", text: "%REQ(A)% %REQ(B)% %RESPONSE_CODE% %REQ(C)%" }, kind: "http" },
  ] as const
  fc.assert(
    fc.property(
      request,
      fc.boolean(),
      fc.array(fc.tuple(fc.nat(400), fc.nat(255)), { maxLength: 6 }),
      fc.nat(400),
      fc.uint8Array({ minLength: 8, maxLength: 8 }),
      (r, json, mutations, cut, around) => {
        const line = Buffer.from(json ? jsonLine(r, false, false, false) : textLine(r))
        for (const [at, byte] of mutations) if (at < line.length && byte !== 10) line[at] = byte
        const end = Math.min(line.length, cut + 50)
        const answers = [Buffer.alloc(8, 34), Buffer.from(around)].map((junk) => {
          const reader = new LineReader(loggers)
          const bytes = Buffer.concat([junk, line.subarray(0, end), junk])
          const result = reader.read(bytes, 8, 8 + end)
          return { result, seen: result <= LineResult.intermediate ? snapshot(reader.fact) : undefined }
        })
        // What stands around a line makes no difference.
        expect(answers[1]).toEqual(answers[0])
      },
    ),
    { numRuns: 3000 },
  )
})

test("a spoilt line reads the same by a template as without one, also at the end of its buffer", () => {
  const format = { kind: "json", fields: FIELDS } as const
  const warm = compileFormat(format, "http")
  const mutations = fc.array(fc.tuple(fc.nat(400), fc.constantFrom(...Buffer.from('",:n}{[1\\-x'))), {
    maxLength: 2,
  })
  let taken = 0
  fc.assert(
    fc.property(request, fc.boolean(), mutations, fc.nat(200), (r, asText, spoilt, cut) => {
      const whole = Buffer.from(jsonLine(r, false, asText, false))
      // Learns its template again where the line before had another.
      warm.decode(whole, 0, whole.length)
      const line = Buffer.alloc(Math.max(1, whole.length - (cut > 100 ? 0 : cut)))
      whole.copy(line)
      for (const [at, byte] of spoilt) if (at < line.length) line[at] = byte
      const fresh = compileFormat(format, "http")
      const wanted = fresh.decode(line, 0, line.length)
      expect(warm.decode(line, 0, line.length)).toBe(wanted)
      if (wanted !== DecodeResult.ok) return
      taken += 1
      expect(snapshot(warm.fact)).toEqual(snapshot(fresh.fact))
    }),
    { numRuns: 3000 },
  )
  expect(taken).toBeGreaterThan(500)
})

test("facts are views: the next line overwrites them", () => {
  const decoder = compileFormat({ kind: "default" }, "http")
  fc.assert(
    fc.property(request, (r) => {
      const bytes = Buffer.from(textLine(r))
      decoder.decode(bytes, 0, bytes.length)
      const before = fieldText(decoder.fact, Field.method)
      bytes.fill(0x58)
      expect([before, fieldText(decoder.fact, Field.method)]).toEqual(["GET", "XXX"])
    }),
    { numRuns: 50 },
  )
})

const STAMP = "2026-11-20T15:53:52.113456789Z"

/** Cuts a line into pieces as a container runtime does. */
function pieces(line: Buffer, size: number): Buffer[] {
  const cut: Buffer[] = []
  for (let at = 0; at < line.length || cut.length === 0; at += size) cut.push(line.subarray(at, at + size))
  return cut
}

function criLines(line: Buffer, stream: string, size: number): Buffer[] {
  const parts = pieces(line, size)
  return parts.map((part, index) =>
    Buffer.concat([
      Buffer.from(`${STAMP} ${stream} ${index + 1 < parts.length ? "P" : "F"} `),
      part,
      Buffer.from("\n"),
    ]),
  )
}

function dockerLines(line: Buffer, stream: string, size: number): Buffer[] {
  const parts = pieces(Buffer.from(line.toString()), size)
  return parts.map((part, index) => {
    const log = part.toString() + (index + 1 < parts.length ? "" : "\n")
    return Buffer.from(`${JSON.stringify({ log, stream, time: STAMP })}\n`)
  })
}

test.each(["cri", "docker"] as const)(
  "%s framing gives back the lines, cut and restarted anywhere",
  (framing) => {
    const ascii = fc.stringMatching(/^[ -~]{0,90}$/)
    const lines = fc.array(fc.record({ line: ascii, stderr: fc.boolean() }), { minLength: 1, maxLength: 12 })
    fc.assert(
      fc.property(
        lines,
        fc.integer({ min: 1, max: 40 }),
        fc.array(fc.boolean(), { minLength: 1, maxLength: 9 }),
        (wanted, size, restarts) => {
          const wrap = framing === "cri" ? criLines : dockerLines
          const rows = wanted.map(({ line, stderr }) =>
            wrap(Buffer.from(line), stderr ? "stderr" : "stdout", size),
          )
          // The two streams' pieces come mixed.
          const mixed: Buffer[] = []
          const queues = [false, true].map((stderr) =>
            rows.filter((_, index) => wanted[index]?.stderr === stderr).flat(),
          )
          while (queues.some((queue) => queue.length > 0))
            for (const queue of queues) mixed.push(...queue.splice(0, 1))
          const got: string[] = []
          let framer = new LineFramer()
          for (const [index, row] of mixed.entries()) {
            framer.frame(row, 0, row.length, (bytes, start, end) =>
              got.push(bytes.toString("latin1", start, end)),
            )
            if (restarts[index % restarts.length] !== true) continue
            const saved = framer.save()
            framer = new LineFramer()
            if (saved !== undefined) framer.restore(saved)
          }
          expect(got.toSorted()).toEqual(wanted.map(({ line }) => line).toSorted())
          expect(framer.drops).toEqual({ line_too_long: 0, bad_frame: 0 })
        },
      ),
    )
  },
)
