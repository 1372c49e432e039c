import { html } from "hono/html"
import { SPAN_WAYS, type SpanWayKind, spanWayKinds } from "#mesh/span-way.ts"
import type { ProxyRow } from "../view/proxies.ts"
import { counted, type Markup, wrapped } from "./words.ts"

/** Short, as a user asks for it: which way do they go? */
const NAMES: Readonly<Record<SpanWayKind, string>> = {
  agent: "to this agent",
  lines: "from log lines",
  elsewhere: "elsewhere",
  "own-pod": "to its own pod",
  none: "none",
  unknown: "not known",
}
const ORDER: readonly SpanWayKind[] = ["own-pod", "elsewhere", "unknown", "none", "lines", "agent"]
const ASTRAY: ReadonlySet<SpanWayKind> = new Set(["own-pod", "elsewhere"])

const kindsOf = ({ spans }: ProxyRow): readonly SpanWayKind[] => (spans === null ? [] : spanWayKinds(spans))

/** Of one proxy; nothing where its agent does not tell. Where its spans miss the agent, it leads to what helps. */
export function spanWayText(row: ProxyRow): Markup | "" {
  const { spans } = row
  if (spans === null) return ""
  const text = wrapped(spans)
  return kindsOf(row).some((kind) => ASTRAY.has(kind))
    ? html`spans: <a href="#spans">${text}</a>`
    : html`spans: ${text}`
}

/** What each way means, at how many proxies, and what to do; nothing where no proxy has spans at all. */
export function spanWaysSection(rows: readonly ProxyRow[]): Markup {
  const counts = new Map<SpanWayKind, number>()
  for (const kind of rows.flatMap(kindsOf)) counts.set(kind, (counts.get(kind) ?? 0) + 1)
  const ways = ORDER.filter((kind) => counts.has(kind))
  if (ways.every((kind) => kind === "none" || kind === "unknown")) return html``
  return html`<section aria-labelledby="spans"><header><h2 id="spans">Which way their spans go</h2></header>
<div class="scroll" role="region" aria-label="Which way spans go, table" tabindex="0"><table class="dense"><caption class="vh">Which way spans go</caption><thead><tr><th scope="col">Spans</th><th scope="col" class="wide">What that means, and what to do</th><th scope="col" class="n">At</th></tr></thead><tbody>${ways.map(
    (kind) =>
      html`<tr><th scope="row">${NAMES[kind]}<span class="sub narrow">${meaning(kind)}</span></th><td class="wide soft">${meaning(kind)}</td><td class="n">${counted(counts.get(kind) ?? 0, "proxy", "proxies")}</td></tr>`,
  )}</tbody></table></div></section>`
}

function meaning(kind: SpanWayKind): Markup {
  const { meaning: says, todo } = SPAN_WAYS[kind]
  return html`${says} ${withCode(todo)}`
}

/** Texts between backticks are code. */
function withCode(text: string): (string | Markup)[] {
  return text.split("`").map((part, at) => (at % 2 === 0 ? part : html`<code>${part}</code>`))
}
