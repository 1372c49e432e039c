/** One number by its labels as text, so that two sides can be compared as plain objects. */
export type Counts = Record<string, number>
export type Labels = Readonly<Record<string, string>>

/** `reporter=source route=r … outcome=ok` in the order of the names, without empty labels. */
export function keyText(labels: Labels, names: readonly string[]): string {
  return names.flatMap((name) => ((labels[name] ?? "") === "" ? [] : [`${name}=${labels[name]}`])).join(" ")
}

/** Sums by the named labels, without zeros. */
export function countsOf(
  numbers: Iterable<readonly [labels: Labels, count: number]>,
  names: readonly string[],
): Counts {
  const counts: Counts = {}
  for (const [labels, count] of numbers) {
    const key = keyText(labels, names)
    counts[key] = (counts[key] ?? 0) + count
  }
  return Object.fromEntries(Object.entries(counts).filter(([, count]) => count !== 0))
}

/** How requests ended, each with its number, of any answer of ours that tells these four. */
export function byOutcome(numbers: {
  readonly ok: number
  readonly clientErrors: number
  readonly errors: number
  readonly aborted: number
}): readonly (readonly [outcome: string, count: number])[] {
  const { ok, clientErrors, errors, aborted } = numbers
  const all = [
    ["ok", ok],
    ["client_error", clientErrors],
    ["error", errors],
    ["aborted", aborted],
  ] as const
  return all.filter(([, count]) => count !== 0)
}
