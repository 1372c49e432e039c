import { isObject } from "#mesh/json-object.ts"
import type { StatsRules } from "#mesh/proxy.ts"
import { field, list, someText } from "./json.ts"
import { stringMatch } from "./string-match.ts"

/** A longer list is not told: what it keeps is then open. Istio's own list has eleven. */
const MAX_PATTERNS = 50
const MAX_TAGS = 64

/** `bootstrap.stats_config`: tags with a fixed value, and which stats are kept. Undefined where it says neither. */
export function statsRulesOf(bootstrap: unknown): StatsRules | undefined {
  const config = field(bootstrap, "stats_config")
  const fixed = fixedTags(config)
  const kept = keptOf(field(config, "stats_matcher"))
  if (fixed.length === 0 && kept === undefined) return undefined
  return { fixed: Object.fromEntries(fixed), ...(kept === undefined ? {} : { kept }) }
}

function fixedTags(config: unknown): [string, string][] {
  const pairs: [string, string][] = []
  for (const tag of list(field(config, "stats_tags")).slice(0, MAX_TAGS)) {
    const name = someText(field(tag, "tag_name"))
    const value = someText(field(tag, "fixed_value"))
    if (name !== undefined && value !== undefined) pairs.push([name, value])
  }
  return pairs
}

function keptOf(matcher: unknown): StatsRules["kept"] {
  if (!isObject(matcher)) return undefined
  if (field(matcher, "reject_all") === true) return { kind: "only", patterns: [] }
  const only = field(matcher, "inclusion_list")
  const patterns = list(field(only ?? field(matcher, "exclusion_list"), "patterns"))
  if (patterns.length === 0 || patterns.length > MAX_PATTERNS) return undefined
  const read = patterns.map(stringMatch).filter((pattern) => pattern !== undefined)
  return { kind: only === undefined ? "all but" : "only", patterns: read }
}
