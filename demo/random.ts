/** A seeded source of numbers in [0, 1): the same seed, the same plan. Mulberry32. */
export type Random = () => number

export function seeded(seed: number): Random {
  let state = seed >>> 0
  return () => {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
}

/** One of a list that is not empty. */
export function pick<T>(random: Random, list: readonly [T, ...T[]]): T {
  return list[Math.floor(random() * list.length)] ?? list[0]
}

/** One by weight. */
export function pickWeighted<T extends { readonly weight: number }>(
  random: Random,
  list: readonly [T, ...T[]],
): T {
  let left = random() * list.reduce((sum, { weight }) => sum + weight, 0)
  for (const entry of list) {
    left -= entry.weight
    if (left < 0) return entry
  }
  return list[0]
}
