import * as fc from "fast-check"
import { expect, test } from "vitest"
import { countEntries } from "../../agent/decode/als/entry-count.ts"
import { EntryReader } from "../../agent/decode/als/entry-reader.ts"
import { readIdentifier } from "../../agent/decode/als/identifier.ts"
import { AlsWorkspace } from "../../agent/decode/als/workspace.ts"
import { type AccessFact, FIELD_COUNT, Field, fieldText } from "../../mesh/access.ts"
import { MeshscopeError } from "../../mesh/errors.ts"
import { FLAGS, flagsText } from "../../mesh/flags.ts"
import { type Entry, httpEntry, message, tcpEntry } from "../fixtures/als/entries.ts"

const FORMAT = { requestHeaders: ["x-canary", "x-amzn-trace-id", "traceparent"], grpcStatus: true }

interface Read {
  readonly facts: Record<string, unknown>[]
  intermediate: number
  malformed: number
}

/** Every text is taken at once, as whoever keeps one must. */
function factOf(fact: AccessFact): Record<string, unknown> {
  const { bytes: _, spans: __, ...numbers } = fact
  const texts = Object.entries(Field).flatMap(([name, field]) => {
    const text = fieldText(fact, field)
    return text === undefined ? [] : [[name, text] as const]
  })
  const canary = fieldText(fact, FIELD_COUNT)
  return {
    ...numbers,
    flags: flagsText(numbers.flags),
    ...Object.fromEntries(texts),
    ...(canary === undefined ? {} : { canary }),
  }
}

function read(bytes: Buffer, workspace = new AlsWorkspace(), reader = new EntryReader(FORMAT)): Read {
  const result: Read = { facts: [], intermediate: 0, malformed: 0 }
  reader.read(bytes, workspace, {
    finished: (fact) => result.facts.push(factOf(fact)),
    intermediate: () => result.intermediate++,
    malformed: () => result.malformed++,
  })
  return result
}

const FULL: Entry = {
  remote: ["127.0.0.1", 51_082],
  local: ["127.1.0.4", 4567],
  upstream: ["::1", 80],
  startNs: 1_795_189_737_113_000_000n,
  lastRxNs: 2_500_000n,
  firstUpstreamRxNs: 45_081_161n,
  durationNs: 46_999_999n,
  cluster: "cds_ingress_yelb",
  route: "r",
  termination: "t",
  attempts: 2,
  logType: 6,
  flags: [6, 16],
  version: 2,
  method: 3,
  authority: "yelb:4567",
  path: "/api/vote",
  original: "/vote",
  agent: "curl",
  requestId: "81f0",
  received: 12,
  sent: 125,
  requestHeaders: { "x-canary": "v2", traceparent: "00-1-2-01", "x-amzn-trace-id": "Root=1", other: "x" },
  responseHeaders: { "x-envoy-upstream-service-time": "40" },
  trailers: { "grpc-status": "14" },
  code: 503,
  details: "upstream_reset",
}

test("an entry gives the fact that a line of all operators gives", () => {
  expect(read(message("http", [httpEntry(FULL)], { nodeId: "mesh/m/virtualNode/n" })).facts).toEqual([
    {
      kind: "http",
      code: 503,
      flags: "UF,URX",
      grpcStatus: 14,
      durationMs: 46,
      upstreamMs: 40,
      bytesReceived: 12,
      bytesSent: 125,
      attempts: 2,
      doubtful: false,
      startTime: "2026-11-20T15:48:57.113Z",
      method: "POST",
      path: "/api/vote",
      originalPath: "/vote",
      authority: "yelb:4567",
      protocol: "HTTP/1.1",
      details: "upstream_reset",
      upstreamCluster: "cds_ingress_yelb",
      upstreamHost: "[::1]:80",
      routeName: "r",
      userAgent: "curl",
      requestId: "81f0",
      traceId: "Root=1",
      downstreamLocal: "127.1.0.4:4567",
      downstreamRemote: "127.0.0.1:51082",
      termination: "t",
      canary: "v2",
    },
  ])
})

test("what protobuf leaves out is zero where it is a number, and none where it is not", () => {
  const [fact] = read(message("http", [httpEntry({})])).facts
  expect(fact).toEqual({
    kind: "http",
    code: 0,
    flags: "-",
    grpcStatus: -1,
    durationMs: -1,
    upstreamMs: -1,
    bytesReceived: 0,
    bytesSent: 0,
    attempts: 0,
    doubtful: false,
  })
})

test("Envoys that do not tell attempts are not taken for such that made none", () => {
  const [fact] = read(message("http", [httpEntry({ upstream: ["10.0.0.1", 80] })])).facts
  expect(fact).toMatchObject({ attempts: -1, upstreamHost: "10.0.0.1:80" })
})

test("what the upstream took is told by times where no header tells it", () => {
  const times = { lastRxNs: 2_500_000n, firstUpstreamRxNs: 45_081_161n }
  expect(read(message("http", [httpEntry(times)])).facts[0]).toMatchObject({ upstreamMs: 42 })
  const early = { lastRxNs: 45_081_161n, firstUpstreamRxNs: 2_500_000n }
  expect(read(message("http", [httpEntry(early)])).facts[0]).toMatchObject({ upstreamMs: -1 })
})

test("a connection has no code, and its bytes", () => {
  const entry = tcpEntry({
    pipe: "/run/app",
    cluster: "c",
    received: 5,
    sent: 7,
    durationNs: 1_000_000n,
    logType: 3,
  })
  expect(read(message("tcp", [entry])).facts).toEqual([
    expect.objectContaining({
      kind: "tcp",
      code: -1,
      bytesReceived: 5,
      bytesSent: 7,
      durationMs: 1,
      upstreamHost: "/run/app",
    }),
  ])
})

test("a connection that no filter chain took has the details that its listener's line would have", () => {
  expect(read(message("tcp", [tcpEntry({ flags: [9] })])).facts[0]).toMatchObject({
    details: "filter_chain_not_found",
  })
  expect(read(message("tcp", [tcpEntry({ flags: [9], cluster: "c" })])).facts[0]).not.toHaveProperty(
    "details",
  )
})

/** Fields of `ResponseFlags` by number (accesslog.proto), written by hand a second time. */
const FIELDS =
  "LH UH UT LR UR UF UC UO NR DI FI RL UAEX RLSE DC URX SI IH DPE UMSDR RFCF NFCF DT UPE NC OM DF DR".split(
    " ",
  )

test.each(FIELDS.map((name, index) => [name, index + 1] as const))("flag %s", (name, field) => {
  expect(read(message("http", [httpEntry({ flags: [field] })])).facts[0]).toMatchObject({ flags: name })
})

test.each([
  ["DO", "drop_overload"],
  ["UDO", "unconditional_drop_overload"],
])("flag %s has no field, and is told by details", (name, details) => {
  expect(read(message("http", [httpEntry({ details })])).facts[0]).toMatchObject({ flags: name })
})

test("these are all flags that there are, and a later one is another", () => {
  expect([...FIELDS, "DO", "UDO"].toSorted()).toEqual(FLAGS.map(({ name }) => name).toSorted())
  expect(read(message("http", [httpEntry({ flags: [40] })])).facts[0]).toMatchObject({ flags: "other" })
})

test("only the entry at a request's end counts", () => {
  const types = Array.from({ length: 16 }, (_, logType) => httpEntry({ logType, code: logType }))
  const { facts, intermediate } = read(
    message("http", [...types, httpEntry({ intermediate: true, logType: 6 })]),
  )
  expect(facts.map(({ code }) => code)).toEqual([0, 3, 6, 13])
  expect(intermediate).toBe(13)
})

test("who streams is told among 516 extensions, in the first message alone", () => {
  const first = message("http", [httpEntry({})], { nodeId: "arn:aws:appmesh:n", logName: "name" })
  expect(readIdentifier(first)).toEqual({ nodeId: "arn:aws:appmesh:n", logName: "name" })
  expect(readIdentifier(message("http", [httpEntry({})]))).toBeUndefined()
  expect(readIdentifier(message("http", [], { nodeId: "n".repeat(2000) }))).toBeUndefined()
})

test("an entry that is none is counted, and those around it are read", () => {
  const broken = Buffer.from([10, 200, 1, 0])
  const result = read(message("http", [httpEntry({ code: 200 }), broken, httpEntry({ code: 201 })]))
  expect(result.facts.map(({ code }) => code)).toEqual([200, 201])
  expect(result.malformed).toBe(1)
})

test("numbers that nothing counted are none", () => {
  const huge = httpEntry({ received: Number.MAX_SAFE_INTEGER, code: 4000, durationNs: -5n })
  expect(read(message("http", [huge])).facts[0]).toMatchObject({
    code: 0,
    durationMs: -1,
    bytesReceived: Number.MAX_SAFE_INTEGER,
  })
})

/** Code of what is thrown; empty for nothing. */
function failure(reading: () => unknown): string {
  try {
    reading()
    return ""
  } catch (error) {
    return error instanceof MeshscopeError ? error.code : String(error)
  }
}

const wild: fc.Arbitrary<Entry> = fc.record(
  {
    cluster: fc.string(),
    path: fc.string({ unit: "binary" }),
    authority: fc.string(),
    details: fc.string({ unit: "binary" }),
    remote: fc.tuple(fc.string(), fc.nat(70_000)),
    code: fc.nat(999),
    flags: fc.array(fc.integer({ min: 1, max: 40 }), { maxLength: 5 }),
    requestHeaders: fc.dictionary(fc.constantFrom("x-canary", "traceparent", "y"), fc.string()),
  },
  { requiredKeys: [] },
)

test("a fact is a view: nothing of it is read of bytes outside of the workspace, nor of the entry before", () => {
  fc.assert(
    fc.property(fc.array(wild, { minLength: 1, maxLength: 5 }), (entries) => {
      const bytes = message("http", entries.map(httpEntry))
      const alone = entries.map((entry) => read(message("http", [httpEntry(entry)])).facts[0])
      const workspace = new AlsWorkspace()
      const reader = new EntryReader(FORMAT)
      read(message("http", [httpEntry(FULL)]), workspace, reader)
      // The message lies between poison, and is overwritten as soon as it is taken in.
      const among = Buffer.concat([Buffer.alloc(64, 0x5a), bytes, Buffer.alloc(64, 0x5a)])
      const load = workspace.load.bind(workspace)
      workspace.load = (taken) => {
        const start = load(taken)
        taken.fill(0x5a)
        return start
      }
      expect(read(among.subarray(64, 64 + bytes.length), workspace, reader).facts).toEqual(alone)
    }),
  )
})

test("bytes of any kind end in facts, counts or a refusal, and never in anything else", () => {
  const workspace = new AlsWorkspace()
  const whole = message("http", [httpEntry(FULL), httpEntry(FULL)], { nodeId: "n" })
  fc.assert(
    fc.property(fc.nat(whole.length - 1), fc.nat(255), fc.nat(whole.length), (at, byte, cut) => {
      const bytes = Buffer.from(whole.subarray(0, Math.max(cut, 1)))
      if (at < bytes.length) bytes[at] = byte
      for (const reading of [
        () => read(bytes, workspace),
        () => readIdentifier(bytes),
        () => countEntries(bytes),
      ]) {
        expect(["", "INTAKE_MALFORMED"]).toContain(failure(reading))
      }
    }),
  )
})

test("entries are counted without being read", () => {
  const bytes = message("tcp", [tcpEntry({}), tcpEntry({}), tcpEntry({})], { nodeId: "n" })
  expect(countEntries(bytes)).toBe(3)
})
