import { expect, test } from "vitest"
import { makeBodyPool } from "../../agent/collect/admin/body.ts"

test("a buffer is used again", () => {
  const pool = makeBodyPool()
  const first = pool.take()
  pool.give(first)
  expect(pool.take()).toBe(first)
})

test("more than the pool keeps, and one that is very large, are let go", () => {
  const pool = makeBodyPool(1)
  const [one, two] = [pool.take(), pool.take()]
  pool.give(one)
  pool.give(two)
  expect(pool.take()).toBe(one)
  expect(pool.take()).not.toBe(two)
  const large = Buffer.allocUnsafeSlow(9 * 1024 * 1024)
  pool.give(large)
  expect(pool.take()).not.toBe(large)
})

test("buffers of a rush are let go when one after the other is enough", () => {
  const pool = makeBodyPool()
  const rush = Array.from({ length: 8 }, () => pool.take())
  for (const buffer of rush) pool.give(buffer)
  for (let body = 0; body < 200; body++) pool.give(pool.take())
  const again = Array.from({ length: 8 }, () => pool.take())
  expect(again.filter((buffer) => rush.includes(buffer))).toHaveLength(1)
})

test("buffers that are still needed at once stay", () => {
  const pool = makeBodyPool()
  const known = new Set<Buffer>()
  for (let turn = 0; turn < 500; turn++) {
    const [one, two] = [pool.take(), pool.take()]
    known.add(one).add(two)
    pool.give(one)
    pool.give(two)
  }
  expect(known.size).toBe(2)
})
