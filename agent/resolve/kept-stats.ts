import type { EnvoyStringMatch, StatsRules } from "#mesh/proxy.ts"
import { compilePattern } from "./pattern/pattern.ts"

/** Whether a proxy keeps a stat of this name, by its own rules; undefined where a pattern cannot be read. */
export function keeps(kept: StatsRules["kept"], name: string): boolean | undefined {
  if (kept === undefined) return true
  let open = false
  for (const pattern of kept.patterns) {
    const taken = takes(pattern, name)
    if (taken === true) return kept.kind === "only"
    if (taken === undefined) open = true
  }
  return open ? undefined : kept.kind !== "only"
}

function takes(pattern: EnvoyStringMatch, name: string): boolean | undefined {
  if (pattern.regex !== undefined) return compilePattern(pattern.regex)?.matches(name)
  const fold = (text: string): string => (pattern.ignoreCase === true ? text.toLowerCase() : text)
  const subject = fold(name)
  if (pattern.exact !== undefined) return subject === fold(pattern.exact)
  if (pattern.prefix !== undefined) return subject.startsWith(fold(pattern.prefix))
  if (pattern.suffix !== undefined) return subject.endsWith(fold(pattern.suffix))
  return pattern.contains === undefined ? undefined : subject.includes(fold(pattern.contains))
}
