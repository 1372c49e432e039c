import {
  CreateLogGroupCommand,
  CreateLogStreamCommand,
  DescribeLogGroupsCommand,
  type InputLogEvent,
  InvalidParameterException,
  PutLogEventsCommand,
  type PutLogEventsCommandOutput,
  PutRetentionPolicyCommand,
  ResourceAlreadyExistsException,
  ResourceNotFoundException,
  ThrottlingException,
} from "@aws-sdk/client-cloudwatch-logs"
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest"
import { type SdkClients, sdkClients } from "../fake/aws/clients.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"

const HOUR_MS = 3_600_000
const DAY_MS = 24 * HOUR_MS
const GROUP = "/meshname/demo"
const STREAM = "agent-1"
/** The fake's clock stands, so that limits are met to the millisecond. */
let nowMs = 0
let fake: FakeAws
let clients: SdkClients

beforeAll(async () => {
  fake = await startFakeAws({ clock: { now: () => nowMs } })
  clients = sdkClients(fake)
})
beforeEach(() => {
  nowMs = Date.now()
  for (const name of fake.logs.groups.keys()) fake.logs.delete(name)
  fake.logs.create(GROUP, STREAM)
})
afterAll(async () => {
  clients.destroy()
  await fake.stop()
})

const event = (timestamp: number, message = "a line"): InputLogEvent => ({ timestamp, message })

const put = (
  logEvents: InputLogEvent[],
  group = GROUP,
  stream = STREAM,
): Promise<PutLogEventsCommandOutput> =>
  clients.logs.send(new PutLogEventsCommand({ logGroupName: group, logStreamName: stream, logEvents }))

const stored = (): string[] => fake.logs.events(GROUP).map(({ message }) => message)

/** What the call that fails says; nothing may be stored by it. */
async function refusal(events: InputLogEvent[]): Promise<string> {
  const before = stored().length
  const error = await put(events).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(InvalidParameterException)
  expect(stored()).toHaveLength(before)
  return (error as Error).message
}

const newStream = (name: string): Promise<unknown> =>
  clients.logs.send(new CreateLogStreamCommand({ logGroupName: GROUP, logStreamName: name }))

describe("PutLogEvents takes what is within each limit and refuses one more", () => {
  test("1,048,576 bytes of UTF-8 and 26 for each event", async () => {
    const half = "é".repeat((1_048_576 - 52) / 4)
    await put([event(nowMs, half), event(nowMs, half)])
    expect(stored()).toEqual([half, half])
    expect(await refusal([event(nowMs, half), event(nowMs, `${half}x`)])).toContain(
      "1048577 bytes exceeds limit of 1048576",
    )
  })

  test("1 MB of one event: with its 26 bytes, since the batch has no more room", async () => {
    await put([event(nowMs, "x".repeat(1_048_550))])
    expect(await refusal([event(nowMs, "x".repeat(1_048_551))])).toContain("Upload too large")
    expect(await refusal([event(nowMs, "x".repeat(1_048_577))])).toContain("Log event too large")
  })

  test("10,000 events", async () => {
    const events = Array.from({ length: 10_001 }, (_, index) => event(nowMs, String(index)))
    expect(await refusal(events)).toContain("less than or equal to 10000")
    await put(events.slice(1))
    expect(stored()).toHaveLength(10_000)
  })

  test("24 hours between the first and the last", async () => {
    expect(await refusal([event(nowMs - DAY_MS - 1), event(nowMs)])).toContain("more than 24 hours")
    await put([event(nowMs - DAY_MS), event(nowMs)])
    expect(stored()).toHaveLength(2)
  })

  test("24 hours count among the events that are not too old or too new", async () => {
    const events = [event(nowMs - 15 * DAY_MS), event(nowMs), event(nowMs + 3 * HOUR_MS)]
    await put(events)
    expect(stored()).toHaveLength(1)
  })

  test("events in order, equal times too", async () => {
    expect(await refusal([event(nowMs), event(nowMs - 1)])).toContain("chronological order")
    await put([event(nowMs - 1), event(nowMs), event(nowMs)])
    expect(stored()).toHaveLength(3)
  })

  test("no events, empty messages, broken times", async () => {
    expect(await refusal([])).toContain("greater than or equal to 1")
    expect(await refusal([event(nowMs), event(nowMs, "")])).toContain("logEvents.2.member.message")
    expect(await refusal([event(-1)])).toContain("greater than or equal to 0")
    await put([event(nowMs, " ")])
    expect(stored()).toEqual([" "])
  })
})

describe("PutLogEvents stores the rest and tells", () => {
  test("the end of what is more than 14 days old, exclusive", async () => {
    const old = nowMs - 14 * DAY_MS
    const { rejectedLogEventsInfo } = await put([event(old - 2, "a"), event(old - 1, "b"), event(old, "c")])
    expect(rejectedLogEventsInfo).toEqual({ tooOldLogEventEndIndex: 2 })
    expect(stored()).toEqual(["c"])
  })

  test("the start of what is more than 2 hours ahead, inclusive", async () => {
    const ahead = nowMs + 2 * HOUR_MS
    const { rejectedLogEventsInfo } = await put([
      event(ahead, "a"),
      event(ahead + 1, "b"),
      event(ahead + 2, "c"),
    ])
    expect(rejectedLogEventsInfo).toEqual({ tooNewLogEventStartIndex: 1 })
    expect(stored()).toEqual(["a"])
  })

  test("the end of what is older than the group keeps", async () => {
    await clients.logs.send(new PutRetentionPolicyCommand({ logGroupName: GROUP, retentionInDays: 1 }))
    const { rejectedLogEventsInfo } = await put([event(nowMs - DAY_MS - 1, "a"), event(nowMs - DAY_MS, "b")])
    expect(rejectedLogEventsInfo).toEqual({ expiredLogEventEndIndex: 1 })
    expect(stored()).toEqual(["b"])
  })

  test("all of it, when nothing can be kept, and nothing when all is well", async () => {
    const all = await put([event(nowMs - 20 * DAY_MS), event(nowMs - 15 * DAY_MS)])
    expect(all.rejectedLogEventsInfo).toEqual({ tooOldLogEventEndIndex: 2 })
    expect((await put([event(nowMs)])).rejectedLogEventsInfo).toBeUndefined()
  })

  test.each([
    [
      { keyAttributes: { Type: "Service", Name: "ui" }, attributes: { "AWS.ServiceNameSource": "x" } },
      undefined,
    ],
    [{ keyAttributes: { Type: "Service", Name: "ui", Colour: "red" } }, "InvalidKeyAttributes"],
    [{ keyAttributes: { Name: "ui" } }, "MissingRequiredFields"],
    [{ attributes: {} }, "MissingRequiredFields"],
    [{ keyAttributes: { Type: "Service", Name: "x".repeat(513) } }, "InvalidKeyAttributes"],
    [{ keyAttributes: { Type: "Service", Name: "ui" }, attributes: { key: "" } }, "InvalidAttributes"],
  ])("a bad entity, with all events taken: %j", async (entity, errorType) => {
    const names = { logGroupName: GROUP, logStreamName: STREAM }
    const answer = await clients.logs.send(
      new PutLogEventsCommand({ ...names, logEvents: [event(nowMs)], entity }),
    )
    expect(answer.rejectedEntityInfo?.errorType).toBe(errorType)
    expect(stored()).toEqual(["a line"])
  })
})

describe("groups and streams", () => {
  test("that are not there are ResourceNotFoundException", async () => {
    await expect(put([event(nowMs)], "nowhere")).rejects.toBeInstanceOf(ResourceNotFoundException)
    await expect(put([event(nowMs)], GROUP, "nowhere")).rejects.toThrow("log stream does not exist")
    const stream = new CreateLogStreamCommand({ logGroupName: "nowhere", logStreamName: "a" })
    await expect(clients.logs.send(stream)).rejects.toBeInstanceOf(ResourceNotFoundException)
    const retention = new PutRetentionPolicyCommand({ logGroupName: "nowhere", retentionInDays: 1 })
    await expect(clients.logs.send(retention)).rejects.toBeInstanceOf(ResourceNotFoundException)
  })

  test("are made once, with class, and told", async () => {
    const make = new CreateLogGroupCommand({
      logGroupName: "a.b_c-d/e#1",
      logGroupClass: "INFREQUENT_ACCESS",
    })
    await clients.logs.send(make)
    await expect(clients.logs.send(make)).rejects.toBeInstanceOf(ResourceAlreadyExistsException)
    const stream = new CreateLogStreamCommand({ logGroupName: "a.b_c-d/e#1", logStreamName: "s/1 é" })
    await clients.logs.send(stream)
    await expect(clients.logs.send(stream)).rejects.toBeInstanceOf(ResourceAlreadyExistsException)
    await clients.logs.send(
      new PutRetentionPolicyCommand({ logGroupName: "a.b_c-d/e#1", retentionInDays: 400 }),
    )
    const { logGroups } = await clients.logs.send(new DescribeLogGroupsCommand({ logGroupNamePrefix: "a." }))
    expect(logGroups).toEqual([
      expect.objectContaining({
        logGroupName: "a.b_c-d/e#1",
        logGroupClass: "INFREQUENT_ACCESS",
        retentionInDays: 400,
        creationTime: nowMs,
      }),
    ])
  })

  test.each(["aws/mine", "a b", "a:b", "a*", "é", "x".repeat(513)])(
    "a group may not be called %j",
    async (name) => {
      const make = new CreateLogGroupCommand({ logGroupName: name })
      await expect(clients.logs.send(make)).rejects.toBeInstanceOf(InvalidParameterException)
    },
  )

  test.each(["a:b", "a*", "x".repeat(513)])("a stream may not be called %j", async (logStreamName) => {
    const make = new CreateLogStreamCommand({ logGroupName: GROUP, logStreamName })
    await expect(clients.logs.send(make)).rejects.toBeInstanceOf(InvalidParameterException)
  })

  test("names of 512 are taken", async () => {
    await clients.logs.send(new CreateLogGroupCommand({ logGroupName: "x".repeat(512) }))
    expect(fake.logs.groups.has("x".repeat(512))).toBe(true)
  })

  test.each([0, 2, 13, 366, 4000])("events are not kept for %d days", async (retentionInDays) => {
    const retain = new PutRetentionPolicyCommand({ logGroupName: GROUP, retentionInDays })
    await expect(clients.logs.send(retain)).rejects.toBeInstanceOf(InvalidParameterException)
  })

  test("X-Ray's own group takes nothing from others", async () => {
    fake.logs.create("aws/spans", "default")
    await expect(put([event(nowMs)], "aws/spans", "default")).rejects.toBeInstanceOf(
      InvalidParameterException,
    )
  })

  test("50 streams a second, then ThrottlingException, until the second is over", async () => {
    nowMs += 5000
    for (let index = 0; index < 50; index++) await newStream(`s${index}`)
    await expect(newStream("s50")).rejects.toBeInstanceOf(ThrottlingException)
    nowMs += 1000
    await newStream("s50")
    expect(fake.logs.groups.get(GROUP)?.streams.size).toBe(52)
  })
})
