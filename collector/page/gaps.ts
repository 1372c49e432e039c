import { html } from "hono/html"
import { betterLog } from "#mesh/better-log.ts"
import { type Gap, gapOf } from "#mesh/gap-words.ts"
import { FLAVORS } from "#mesh/resource.ts"
import type { ProxyRow } from "../view/proxies.ts"
import { counted, type Markup } from "./words.ts"

const MENDS: Readonly<Record<Gap["mend"], Markup>> = {
  format: html`Log with the format below: it is what we recommend, and tells all of it.`,
  log: html`Let the proxy write an access log (below: where that is set), and list its file in the target's <code>logs</code> where discovery does not find it.`,
  model: html`Give the agent the declared resources: <code>model: { files: [...] }</code>.`,
  admin: html`Let the agent read <code>/config_dump</code> of the admin interface.`,
  place: html`Where Envoy's admin interface itself can be reached, name it as the proxy's address. Service Connect and pages for Prometheus alone do not give it.`,
  output: html`Let the proxy write where the agent can read: a file on the node or on a shared volume, or send it with the Fluent forward protocol or as Envoy's gRPC access log.`,
  identity: html`See that exactly one virtual node or gateway takes the proxy, or name it where the proxy is listed.`,
}

/** Where each mesh product is told to log what is missing, with what to paste there. */
function formats(rows: readonly ProxyRow[]): Markup {
  const lacking = rows.filter(({ missing }) => missing.some((word) => FROM_LOG.has(gapOf(word).mend)))
  const flavors = FLAVORS.filter((flavor) => lacking.some((row) => row.flavor === flavor))
  return html`${flavors.map((flavor) => {
    const { where, paste } = betterLog(flavor)
    return html`<details id="format-${flavor}"><summary>The log format that we recommend: ${flavor}</summary><p class="sub">${withCode(where)}</p><pre>${paste}</pre>${flavor === "service-connect" ? "" : HINT}</details>`
  })}`
}

const HINT = html`<p class="sub">Routes that match on a header want that header as a key of its own beside these. GRPC_STATUS_NUMBER needs Envoy 1.22.</p>`

/** What stands between backticks is code. */
const withCode = (sentence: string): Markup =>
  html`${sentence.split("`").map((part, at) => (at % 2 === 1 ? html`<code>${part}</code>` : part))}`

const FROM_LOG: ReadonlySet<Gap["mend"]> = new Set(["log", "format"])

/** What each gap hides, at how many proxies, and what mends it; nothing where there is no gap. */
export function gapsSection(rows: readonly ProxyRow[]): Markup {
  const words = Map.groupBy(
    rows.flatMap(({ missing }) => missing),
    (word) => word,
  )
  if (words.size === 0) return html``
  const gaps = [...words].map(([word, all]) => ({ gap: gapOf(word), count: all.length }))
  const mends = new Set(gaps.map(({ gap }) => gap.mend))
  return html`<section aria-labelledby="gaps"><header><h2 id="gaps">What they lack, and what cannot be told without it</h2></header>
<div class="scroll" role="region" aria-label="What proxies lack, table" tabindex="0"><table class="dense"><caption class="vh">What proxies lack</caption><thead><tr><th scope="col">Lacking</th><th scope="col" class="wide">Cannot be told without it</th><th scope="col" class="n">At</th></tr></thead><tbody>${gaps.map(
    ({ gap, count }) =>
      html`<tr><th scope="row">${gap.lacks}<span class="sub narrow">${gap.untold}</span></th><td class="wide soft">${gap.untold}</td><td class="n">${counted(count, "proxy", "proxies")}</td></tr>`,
  )}</tbody></table></div>
<ul class="mends">${[...mends].map((mend) => html`<li>${MENDS[mend]}</li>`)}</ul>
${formats(rows)}</section>`
}
