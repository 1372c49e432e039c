import { HEALTH_STATES } from "#mesh/health.ts"
import { ROUTE_SORTS } from "../view/routes.ts"
import { KIND_NAMES } from "./kinds.ts"
import { WINDOW_NAMES } from "./shell.ts"

/** What a parameter of an address may be: one of these words, or any text that is no longer than a name can be. */
type Rule = readonly string[] | "text"
export type Rules = Readonly<Record<string, Rule>>

const MOST_CHARS = 512
/** `theme` is read by the script; every page takes it. */
const EVERY: Rules = { window: WINDOW_NAMES, mesh: "text", theme: ["light", "dark"] }
const OPTIONAL = new Set(["kind", "state"])

export const OVERVIEW_RULES: Rules = EVERY
export const PROXIES_RULES: Rules = EVERY
export const ROUTE_RULES: Rules = { ...EVERY, caller: "text", target: "text" }
export const ROUTES_RULES: Rules = {
  ...EVERY,
  q: "text",
  target: "text",
  kind: KIND_NAMES,
  state: HEALTH_STATES,
  sort: ROUTE_SORTS,
}

/** A parameter that a page cannot take as it is. */
export interface Wrong {
  readonly parameter: string
  /** As it was sent, cut. */
  readonly value: string
  /** Words that it may be; empty for one that no page knows, is too long or stands twice. */
  readonly allowed: readonly string[]
  readonly why: "unknown" | "twice" | "long" | "word"
}

/** What is wrong with the parameters of an address. A filter that was misspelt must not answer with everything. */
export function wrongsOf(parameters: URLSearchParams, rules: Rules): Wrong[] {
  return [...new Set(parameters.keys())].flatMap((parameter) => {
    const values = parameters.getAll(parameter)
    const value = values[0] ?? ""
    const rule = Object.hasOwn(rules, parameter) ? rules[parameter] : undefined
    const wrong = (why: Wrong["why"], allowed: readonly string[] = []): Wrong[] => [
      { parameter: parameter.slice(0, 40), value: value.slice(0, 80), allowed, why },
    ]
    if (rule === undefined) return wrong("unknown")
    if (values.length > 1) return wrong("twice")
    if (rule === "text") return value.length > MOST_CHARS ? wrong("long") : []
    if (rule.includes(value) || (value === "" && OPTIONAL.has(parameter))) return []
    return wrong("word", rule)
  })
}
