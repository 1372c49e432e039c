import type { Proxy } from "./proxy-list.ts"
import { momentText } from "./time-text.ts"

/** Why nothing can be said, from the proxies that would tell. Without a full stop. */
export function whyUnknown(asked: readonly Proxy[], nowMs: number): string {
  const missing = asked.filter((proxy) => !proxy.answered)
  const [first] = missing
  if (asked.length === 0) return "no proxy seen"
  if (first === undefined) return "not told"
  const many = missing.length > 1 || asked.length > 1
  const since = first.since === null ? "" : ` since ${momentText(Date.parse(first.since), nowMs)}`
  if (!many && first.state === "unknown") return "its proxy cannot be asked, and no line of it came"
  if (!many) return first.state === "silent" ? `proxy silent${since}` : `proxy does not answer${since}`
  return missing.length === asked.length
    ? `none of ${asked.length} proxies answers`
    : `${missing.length} of ${asked.length} proxies ${missing.length === 1 ? "does" : "do"} not answer`
}
