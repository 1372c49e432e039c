import { html, raw } from "hono/html"
import { momentText } from "../view/time-text.ts"

/** Markup that is safe to send. `hono/html` escapes every value put into it. */
export type Markup = ReturnType<typeof html>

/** What is not known. Never a zero. */
export const DASH = html`<span class="dash">–</span>`

/** Requests per second, one decimal; no traffic is 0.0. */
export function rate(perSecond: number | null): string | undefined {
  if (perSecond === null) return undefined
  return perSecond > 0 && perSecond < 0.05 ? "< 0.1" : grouped(perSecond, 1)
}

/** A rate of what is only partly known: at least so much. */
export function leastRate(perSecond: number | null): string | undefined {
  const text = rate(perSecond)
  return text === undefined || text.startsWith("<") ? text : `≥ ${text}`
}

/** A ratio as percent with two decimals, without the sign. */
export function percent(ratio: number | null, digits = 2): string | undefined {
  if (ratio === null) return undefined
  const value = ratio * 100
  const least = 10 ** -digits
  return value > 0 && value < least / 2 ? `< ${least}` : grouped(value, digits)
}

/** Whole milliseconds; below one it says so. */
export function millis(ms: number | null): string | undefined {
  if (ms === null) return undefined
  return ms > 0 && ms < 1 ? "< 1" : grouped(ms, 0)
}

/** Fixed decimals with commas between thousands. */
export function grouped(value: number, digits = 0): string {
  return value.toLocaleString("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits })
}

/** `10:42` in UTC, for times within the shown hour. */
export function clock(rfc3339: string | null): string {
  return rfc3339 === null ? "–" : rfc3339.slice(11, 16)
}

/** The same of what may be long ago: with its date where that is another day than when the answer was made. */
export function moment(rfc3339: string | null, generatedAt: string): string {
  return rfc3339 === null ? clock(null) : momentText(Date.parse(rfc3339), Date.parse(generatedAt))
}

/** A length of time in the largest unit that says enough: `42 s`, `9 min`, `3 h`, `12 d`. */
export function span(seconds: number): string {
  if (seconds < 90) return `${Math.round(seconds)} s`
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`
  if (seconds < 172_800) return `${Math.round(seconds / 3600)} h`
  return `${Math.round(seconds / 86_400)} d`
}

const ESCAPES: Readonly<Record<string, string>> = {
  "&": "&amp;",
  "<": "&lt;",
  ">": "&gt;",
  '"': "&quot;",
  "'": "&#39;",
}

/**
 * A whole name that may wrap after `.`, `_`, `-` and `/`, never shortened. One string, because a page holds thousands:
 * escaped first, and no entity holds a place to wrap.
 */
export function wrapped(name: string): Markup {
  const safe = name.replaceAll(/[&<>"']/g, (char) => ESCAPES[char] ?? "")
  return raw(safe.replaceAll(/[._/-](?=.)/g, "$&<wbr>"))
}

/** A number cell's content, a dash when it is not known. */
export function orDash(text: string | undefined): string | Markup {
  return text ?? DASH
}

/** `1 route`, `2 routes`. */
export function counted(count: number, one: string, many = `${one}s`): string {
  return `${grouped(count)} ${count === 1 ? one : many}`
}
