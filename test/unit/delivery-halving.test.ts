import { expect, test } from "vitest"
import type { WriteResult } from "../../agent/publish/contract.ts"
import { ACCEPTED, delivering, settled } from "../fixtures/queue/delivering.ts"
import { numbered } from "../fixtures/queue/numbered.ts"

const REFUSED: WriteResult = { kind: "rejected", reason: "invalid", why: "status 400" }

test.each([
  [[7], 200],
  [[0, 1, 99, 198, 199], 200],
  [[3], 4],
])(
  "records %j of %d are no good: they alone are dropped, though requests are refused whole",
  async (bad, all) => {
    const { delivery, queue, written } = delivering(
      (body) => (body.some(({ id }) => bad.includes(id)) ? REFUSED : ACCEPTED),
      {},
      1000,
    )
    for (let id = 0; id < all; id++) queue.offer(numbered(id, 10, 1))
    await delivery.start()
    await settled(() => delivery.counters.held === 0)
    expect(delivery.counters.delivered).toBe(all - bad.length)
    expect(Object.fromEntries(delivery.counters.dropped)).toEqual({ invalid: bad.length })
    expect(delivery.counters.remark).toBe("status 400")
    // Twice for each halving, and no record comes twice to where it was taken.
    expect(written.length).toBeLessThanOrEqual(1 + 2 * bad.length * Math.ceil(Math.log2(all)))
    await delivery.stop(0)
  },
)

test("a receiver that refuses everything is not asked for each record by itself", async () => {
  let works = false
  const { delivery, queue, written } = delivering(
    (body) => (works && body.every(({ id }) => id !== 5000) ? ACCEPTED : REFUSED),
    {},
    1000,
  )
  for (let id = 0; id < 1000; id++) queue.offer(numbered(id, 10, 1))
  await delivery.start()
  await settled(() => delivery.counters.held === 0)
  expect(Object.fromEntries(delivery.counters.dropped)).toEqual({ invalid: 1000 })
  expect(written.length).toBeLessThan(40)
  written.length = 0
  works = true
  queue.offer(numbered(4000, 10, 1))
  await settled(() => delivery.counters.held === 0)
  for (let id = 5000; id < 5004; id++) queue.offer(numbered(id, 10, 1))
  await settled(() => delivery.counters.held === 0)
  // It takes something again: the one bad record of the next request is looked for again.
  expect(delivery.counters.delivered).toBe(4)
  await delivery.stop(0)
})

test("what is refused for who asks is not asked again in halves", async () => {
  const { delivery, queue, written } = delivering(() => ({ ...REFUSED, reason: "denied" }), {}, 1000)
  for (let id = 0; id < 8; id++) queue.offer(numbered(id, 10, 1))
  await delivery.start()
  await settled(() => delivery.counters.held === 0)
  expect(written).toHaveLength(1)
  expect(Object.fromEntries(delivery.counters.dropped)).toEqual({ denied: 8 })
  await delivery.stop(0)
})
