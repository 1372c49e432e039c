import { createHash } from "node:crypto"
import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { ackOf, readForward } from "../../agent/decode/forward/forward-message.ts"
import { helo, pongTo } from "../../agent/decode/forward/handshake.ts"
import { ValueEnd } from "../../agent/decode/forward/msgpack.ts"
import { lineOf, recordText } from "../../agent/decode/forward/record.ts"
import { forwarded, MODES, type Packable, pack } from "../fixtures/forward/packing.ts"

const MOST = 1_000_000

interface Told {
  readonly lines: string[]
  others: number
  chunk: string | undefined
}

function read(message: Buffer): Told {
  const told: Told = { lines: [], others: 0, chunk: undefined }
  const { chunk } = readForward(message, MOST, {
    record: (record) => {
      const [start, end] = lineOf(record)
      const line = record.bytes.toString("utf8", start, end)
      told.lines.push(`${recordText(record, "container_id")} ${line}`)
    },
    other: () => void told.others++,
  })
  told.chunk = chunk
  return told
}

const DOCKER = { container_id: "abc", container_name: "/envoy", source: "stdout" }
const texts = fc.array(
  fc.string({ unit: "binary" }).filter((text) => !/[\r\n]$/.test(text)),
  { minLength: 1, maxLength: 20 },
)

describe.each(MODES)("mode %s", (mode) => {
  test("every record is told, in its order, with the chunk", () => {
    fc.assert(
      fc.property(texts, fc.boolean(), (lines, wide) => {
        const chunk = "cGxlYXNlIGFjaw=="
        const records = lines.map((log) => ({ ...DOCKER, log }))
        const whole = forwarded(mode, mode === "message" ? records.slice(0, 1) : records, { chunk, wide })
        const wanted = (mode === "message" ? lines.slice(0, 1) : lines).map((line) => `abc ${line}`)
        expect(read(whole)).toEqual({ lines: wanted, others: 0, chunk })
      }),
    )
  })

  test("records without a log, and what is none, are told as others", () => {
    const records = [
      { message: "x" },
      { ...DOCKER, log: 5 },
      { log: "y", extra: [1, new Map([["a", null]])] },
    ]
    const messages =
      mode === "message" ? records.map((one) => forwarded(mode, [one])) : [forwarded(mode, records)]
    const told = messages.map(read)
    expect(told.flatMap(({ lines }) => lines)).toEqual([" y"])
    expect(told.reduce((sum, { others }) => sum + others, 0)).toBe(2)
  })
})

test("times of all forms, and metadata beside them, are stepped over", () => {
  const record = new Map([["log", "x"]])
  for (const time of [5, 5.5, { seconds: 5, nanos: 6 }] as const)
    expect(read(pack(["tag", time, record])).lines).toEqual([" x"])
  const entries: Packable = [[[{ seconds: 5, nanos: 6 }, new Map([["meta", 1]])], record]]
  expect(read(pack(["tag", entries])).lines).toEqual([" x"])
})

test("a newline at a line's end is none of it", () => {
  expect(read(forwarded("forward", [{ log: "a\r\n" }, { log: "\n" }, { log: "b\nc\n" }])).lines).toEqual([
    " a",
    " ",
    " b\nc",
  ])
})

test("a bomb of gzip is refused at its limit", () => {
  const bomb = forwarded("compressed", [{ log: "x".repeat(2 * MOST) }])
  expect(bomb.length).toBeLessThan(10_000)
  expect(() => read(bomb)).toThrow(expect.objectContaining({ code: "INTAKE_TOO_LARGE" }))
})

const values: fc.Arbitrary<Packable> = fc.letrec<{ value: Packable }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 4 },
    fc.constant(null),
    fc.boolean(),
    fc.nat(),
    fc.double({ noNaN: true }),
    fc.string(),
    fc.uint8Array({ maxLength: 300 }),
    fc.array(tie("value"), { maxLength: 20 }),
    fc.dictionary(fc.string(), tie("value"), { maxKeys: 20 }).map((one) => new Map(Object.entries(one))),
  ),
})).value

test("the end of a value is found, however its bytes come in", () => {
  fc.assert(
    fc.property(
      fc.array(values, { minLength: 1, maxLength: 4 }),
      fc.boolean(),
      fc.integer({ min: 1, max: 50 }),
      (all, wide, step) => {
        const packed = all.map((one) => pack(one, wide))
        const bytes = Buffer.concat(packed)
        const ends = new ValueEnd(MOST)
        const found: number[] = []
        let start = 0
        for (let there = 0; there <= bytes.length + step; there += step) {
          const end = Math.min(there, bytes.length)
          for (let stop = start < end ? ends.find(bytes, start, end) : -1; stop >= 0; ) {
            found.push(stop - start)
            start = stop
            stop = start < end ? ends.find(bytes, start, end) : -1
          }
        }
        expect(found).toEqual(packed.map(({ length }) => length))
      },
    ),
  )
})

test.each([
  ["a binary of 4 GB", Buffer.from([0xc6, 255, 255, 255, 255])],
  ["an array of 4 thousand million", Buffer.from([0xdd, 255, 255, 255, 255])],
  ["a map of as many, in an array", Buffer.from([0x91, 0xdf, 255, 255, 255, 255])],
])("%s ends the connection before a byte of it is kept", (_, bytes) => {
  expect(() => new ValueEnd(MOST).find(bytes, 0, bytes.length)).toThrow(
    expect.objectContaining({ code: "INTAKE_TOO_LARGE" }),
  )
})

test("depth costs nothing", () => {
  const deep = Buffer.concat([Buffer.alloc(500_000, 0x91), Buffer.from([0xc0])])
  expect(new ValueEnd(MOST).find(deep, 0, deep.length)).toBe(deep.length)
  expect(() => read(Buffer.concat([Buffer.from([0x93, 0xa0]), deep, deep]))).toThrow(
    "entry without time and record",
  )
})

/** The code of a refusal; of none, the one of the other. */
function refused(bytes: Buffer): string {
  try {
    read(bytes)
    return "INTAKE_MALFORMED"
  } catch (error) {
    return error instanceof Error && "code" in error ? String(error.code) : String(error)
  }
}

test("bytes of any kind end in records or a refusal", () => {
  const wholes = MODES.map((mode) => forwarded(mode, [{ ...DOCKER, log: "x" }], { chunk: "c" }))
  const change = fc.tuple(fc.nat(3), fc.nat(200), fc.nat(255), fc.nat(200))
  fc.assert(
    fc.property(change, ([which, at, byte, cut]) => {
      const bytes = Buffer.from((wholes[which] ?? Buffer.alloc(0)).subarray(0, Math.max(1, cut)))
      bytes[at % bytes.length] = byte
      expect(["INTAKE_MALFORMED", "INTAKE_TOO_LARGE"]).toContain(refused(bytes))
    }),
    { numRuns: 2000 },
  )
})

test("an acknowledgement is a map with the chunk", () => {
  expect(ackOf("abc")).toEqual(pack(new Map([["ack", "abc"]])))
  const long = "x".repeat(200)
  expect(ackOf(long)).toEqual(
    Buffer.concat([Buffer.from([0x81]), pack("ack"), Buffer.from([0xda, 0, 200]), Buffer.from(long)]),
  )
})

const sha = (...parts_: (string | Buffer)[]): string =>
  parts_.reduce((hash, text) => hash.update(text), createHash("sha512")).digest("hex")
const salt = Buffer.from([1, 200, 3])
const wide = (text: string): Buffer =>
  Buffer.concat([Buffer.from([0xda, text.length >> 8, text.length & 255]), Buffer.from(text)])

describe("the handshake", () => {
  const nonce = Buffer.from("0123456789abcdef")
  const parts = { nonce, sharedKey: "secret", hostName: "agent" }
  const ping = (key: string) => pack(["PING", "sender", salt, sha(salt, "sender", nonce, key), "", ""])
  test("the server begins it with a nonce", () => {
    const hello = helo(nonce)
    expect(hello.subarray(0, 8)).toEqual(Buffer.concat([Buffer.from([0x92]), wide("HELO")]))
    expect(hello.includes(nonce)).toBe(true)
    expect(new ValueEnd(1000).find(hello, 0, hello.length)).toBe(hello.length)
  })

  test("who knows the key is told that the server knows it too", () => {
    const { ok, answer } = pongTo(ping("secret"), parts)
    expect(ok).toBe(true)
    const proof = sha(salt, "agent", nonce, "secret")
    const wanted = [
      Buffer.from([0x95]),
      wide("PONG"),
      Buffer.from([0xc3]),
      wide(""),
      wide("agent"),
      wide(proof),
    ]
    expect(answer).toEqual(Buffer.concat(wanted))
  })

  test.each([
    ["another key", ping("other")],
    ["no ping", pack(["tag", 1, new Map([["log", "x"]])])],
    ["something else", pack("PING")],
  ])("%s is turned away, and learns nothing", (_, message) => {
    const { ok, answer } = pongTo(message, parts)
    expect(ok).toBe(false)
    expect(answer.includes(sha(salt, "agent", nonce, "secret"))).toBe(false)
  })
})
