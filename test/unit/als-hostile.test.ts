import { expect, test } from "vitest"
import { EntryReader } from "../../agent/decode/als/entry-reader.ts"
import { AlsWorkspace } from "../../agent/decode/als/workspace.ts"
import { Field, fieldText } from "../../mesh/access.ts"

function varint(value: number): number[] {
  return value < 128 ? [value] : [(value % 128) + 128, ...varint(Math.floor(value / 128))]
}

const part = (field: number, ...bytes: readonly number[]): number[] => [
  ...varint(field * 8 + 2),
  ...varint(bytes.length),
  ...bytes,
]
const number = (field: number, value: number): number[] => [...varint(field * 8), ...varint(value)]
const words = (text: string): number[] => [...Buffer.from(text)]

/** `Address` of a socket. */
const socket = (address: string, port: number): number[] =>
  part(1, ...part(2, ...words(address)), ...number(3, port))

interface Told {
  readonly upstreamHost: string | undefined
  readonly startTime: string | undefined
  readonly most: number
}

/** What is told of one entry with these members of its common part. */
function told(...common: readonly number[]): Told | undefined {
  const workspace = new AlsWorkspace()
  let found: Told | undefined
  new EntryReader({ requestHeaders: [], grpcStatus: false }).read(
    Buffer.from(part(2, ...part(1, ...part(1, ...common)))),
    workspace,
    {
      finished(fact) {
        found = {
          upstreamHost: fieldText(fact, Field.upstreamHost),
          startTime: fieldText(fact, Field.startTime),
          most: workspace.at - workspace.scratch,
        }
      },
      intermediate: () => undefined,
      malformed: () => undefined,
    },
  )
  return found
}

const START = part(5, ...number(1, 1_700_000_000))

test("an address is as long as a name may be, and its port is a port", () => {
  expect(told(...part(13, ...socket("10.0.0.1", 80)))?.upstreamHost).toBe("10.0.0.1:80")
  expect(told(...part(13, ...socket("10.0.0.1", 65_536)))?.upstreamHost).toBe("10.0.0.1:0")
  expect(told(...part(13, ...socket("h".repeat(300), 80)))?.upstreamHost).toBe(`${"h".repeat(300)}:80`)
  expect(told(...part(13, ...socket("h".repeat(301), 80)))?.upstreamHost ?? "").toBe("")
})

test("addresses that come again and again take no more room than an entry has", () => {
  const many = Array.from({ length: 50 }, () => part(13, ...socket("h".repeat(290), 80))).flat()
  expect(told(...START)?.startTime).toBe("2023-11-14T22:13:20.000Z")
  for (let length = 0; length <= 300; length += 10) {
    const filled = told(...many, ...part(13, ...socket("h".repeat(length), 80)), ...START)
    expect(filled?.most).toBeLessThanOrEqual(2048)
  }
})
