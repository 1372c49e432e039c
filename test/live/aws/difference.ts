/** What two bags of words do not have in common, so that a failure is told by a few lines of thousands. */
export interface Difference {
  readonly missing: readonly string[]
  readonly extra: readonly string[]
}

export const NO_DIFFERENCE: Difference = { missing: [], extra: [] }

export function difference(told: readonly string[], wanted: readonly string[]): Difference {
  const left = new Map<string, number>()
  for (const words of wanted) left.set(words, (left.get(words) ?? 0) + 1)
  for (const words of told) left.set(words, (left.get(words) ?? 0) - 1)
  const times = (sign: 1 | -1): readonly string[] =>
    [...left].flatMap(([words, count]) => Array<string>(Math.max(0, sign * count)).fill(words))
  return { missing: times(1), extra: times(-1) }
}
