import { compress } from "snappyjs"
import { afterEach, beforeEach, expect, test } from "vitest"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"
import { signedFetch } from "../fake/aws/signed-fetch.ts"

const NOW = Date.now()
let fake: FakeAws

beforeEach(async () => {
  fake = await startFakeAws({ clock: { now: () => NOW } })
})
afterEach(() => fake.stop())

interface Sent {
  labels: [string, string][]
  samples: [timeMs: number, value: number][]
}

/** A field of bytes: prompb's messages, written by hand. */
const field = (number: number, bytes: Uint8Array): Buffer =>
  Buffer.concat([Buffer.from([(number << 3) | 2]), varint(BigInt(bytes.length)), bytes])

function varint(value: bigint): Buffer {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127n; rest >>= 7n) bytes.push(Number(rest & 127n) | 128)
  return Buffer.from([...bytes, Number(rest)])
}

function sampleBytes([timeMs, value]: [number, number]): Buffer {
  const double = Buffer.alloc(8)
  double.writeDoubleLE(value)
  return Buffer.concat([Buffer.from([0x09]), double, Buffer.from([0x10]), varint(BigInt(timeMs))])
}

const seriesBytes = ({ labels, samples }: Sent): Buffer =>
  Buffer.concat([
    ...labels.map(([name, value]) =>
      field(1, Buffer.concat([field(1, Buffer.from(name)), field(2, Buffer.from(value))])),
    ),
    ...samples.map((sample) => field(2, sampleBytes(sample))),
  ])

const HEADERS = {
  "content-type": "application/x-protobuf",
  "content-encoding": "snappy",
  "x-prometheus-remote-write-version": "0.1.0",
  "user-agent": "meshscope/0",
}

async function write(series: Sent[], headers: Record<string, string> = {}, service = "aps"): Promise<string> {
  const body = new Uint8Array(compress(Buffer.concat(series.map((one) => field(1, seriesBytes(one))))))
  const path = "/workspaces/ws-1/api/v1/remote_write"
  const response = await signedFetch(fake, { service, path, headers: { ...HEADERS, ...headers }, body })
  return `${response.status} ${await response.text()}`
}

const series = (samples: Sent["samples"], labels: Sent["labels"] = [["route", "r1"]]): Sent => ({
  labels: [["__name__", "mesh_requests_total"], ...labels],
  samples,
})

test("samples are kept by series, and told", async () => {
  expect(await write([series([[NOW - 1000, 1]]), series([[NOW - 1000, 7]], [["route", "r2"]])])).toBe("200 ")
  expect(await write([series([[NOW, 2]])])).toBe("200 ")
  expect(fake.aps.series[0]).toEqual({
    labels: { __name__: "mesh_requests_total", route: "r1" },
    samples: [
      [NOW - 1000, 1],
      [NOW, 2],
    ],
  })
  expect(fake.aps.last({ route: "r1" })).toEqual([2])
  expect(fake.aps.last({})).toEqual([2, 7])
})

test("the same sample may come again, another for its time or one before it may not, and the rest is kept", async () => {
  await write([series([[NOW, 2]])])
  expect(await write([series([[NOW, 2]])])).toBe("200 ")
  const again = await write([series([[NOW, 3]]), series([[NOW, 5]], [["route", "r2"]])])
  expect(again).toContain("duplicate sample for timestamp")
  expect(await write([series([[NOW - 1, 2]])])).toContain("400 ")
  expect(await write([series([[NOW - 1, 2]])])).toContain("out of order sample")
  expect(fake.aps.last({})).toEqual([2, 5])
})

test("samples of one request are in order too, and not older than an hour", async () => {
  const twoSamples: Sent["samples"] = [
    [NOW, 1],
    [NOW - 1, 1],
  ]
  expect(await write([series(twoSamples)])).toContain("out of order sample")
  expect(await write([series([[NOW - 3_600_001, 1]], [])])).toContain("out of bounds")
  expect(await write([series([[NOW - 3_600_000, 1]], [])])).toBe("200 ")
})

test.each<[string, Sent["labels"]]>([
  ["missing metric name", [["route", "r1"]]],
  ["invalid metric name", [["__name__", "a-b"]]],
  [
    "labels not sorted",
    [
      ["__name__", "a"],
      ["z", "1"],
      ["b", "1"],
    ],
  ],
  [
    "one twice",
    [
      ["__name__", "a"],
      ["b", "1"],
      ["b", "2"],
    ],
  ],
  [
    "invalid label",
    [
      ["__name__", "a"],
      ["b-c", "1"],
    ],
  ],
  [
    "invalid label",
    [
      ["__name__", "a"],
      ["b", ""],
    ],
  ],
  [
    "more than 150 labels",
    [
      ["__name__", "a"],
      ...Array.from({ length: 150 }, (_, index): [string, string] => [`l${100 + index}`, "v"]),
    ],
  ],
])("labels are checked: %s", async (message, labels) => {
  expect(await write([{ labels, samples: [[NOW, 1]] }])).toContain(message)
  expect(fake.aps.series).toEqual([])
})

test.each(Object.keys(HEADERS).slice(0, 3))(
  "the header %s must be as the specification says",
  async (name) => {
    expect(await write([series([[NOW, 1]])], { [name]: "other" })).toMatch(new RegExp(`^400 .*${name}`))
  },
)

test("it is signed for aps, packed by snappy, and can be told to throttle", async () => {
  expect(await write([], {}, "monitoring")).toContain("403 ")
  const path = "/workspaces/ws-1/api/v1/remote_write"
  const unpacked = await signedFetch(fake, { service: "aps", path, headers: HEADERS, body: "{}" })
  expect(unpacked.status).toBe(400)
  fake.fail("aps:RemoteWrite", { kind: "throttle" }, 1)
  expect(await write([series([[NOW, 1]])])).toContain("429 ")
})
