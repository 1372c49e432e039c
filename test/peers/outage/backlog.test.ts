import { afterEach, expect, test } from "vitest"
import { linePath } from "./input.ts"
import { arrived } from "./judge.ts"
import { type OutageRig, startOutageRig } from "./rig.ts"
import { sinkCounts } from "./subject.ts"

/** More lines wait for an agent than may be written between two commits, which is half of the budget. */
const LINES = 80_000

let rig: OutageRig | undefined
afterEach(() => rig?.stop())

test("an agent that finds a backlog sends all of it", async () => {
  rig = await startOutageRig({
    commit: "5s",
    publish: ({ cloudwatchLogs, xray }) => ({ cloudwatchLogs, xray, queue: { bytes: "64MiB" } }),
  })
  const { subject, input, receivers } = rig
  input.write(LINES)
  await subject.start()
  const page = await subject.until((now) => sinkCounts(now).get("cloudwatchLogs")?.accepted === LINES, 50_000)
  expect(sinkCounts(page).get("cloudwatchLogs")).toEqual({
    accepted: LINES,
    rejected: 0,
    dropped: 0,
    held: 0,
  })
  const got = arrived(receivers.doors.logs.taken)
  expect([got.size, got.has(linePath(1)), got.has(linePath(LINES))]).toEqual([LINES, true, true])
})
