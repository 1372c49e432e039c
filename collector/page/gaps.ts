import { html } from "hono/html"
import { type Gap, gapOf } from "#mesh/gap-words.ts"
import { RECOMMENDED_JSON } from "#mesh/recommended-format.ts"
import type { ProxyRow } from "../view/proxies.ts"
import { counted, type Markup } from "./words.ts"

const MENDS: Readonly<Record<Gap["mend"], Markup>> = {
  format: html`Log with the format below: it is what we recommend, and tells all of it.`,
  log: html`Declare a log on the virtual node or gateway (<code>logging.accessLog.file.path</code>), and list its file in the target's <code>logs</code>.`,
  model: html`Give the agent the declared resources: <code>model: { files: [...] }</code>.`,
  admin: html`Let the agent read <code>/config_dump</code> of the admin interface.`,
  place: html`Where Envoy's admin interface itself can be reached, name it as the proxy's address. Service Connect and pages for Prometheus alone do not give it.`,
  output: html`Let the proxy write where the agent can read: a file on the node or on a shared volume, or send it with the Fluent forward protocol or as Envoy's gRPC access log.`,
  identity: html`See that exactly one virtual node or gateway takes the proxy, or name it where the proxy is listed.`,
}

/** As it stands in a virtual node or gateway. */
const FORMAT = `spec:
  logging:
    accessLog:
      file:
        path: /dev/stdout
        format:
          json:
${Object.entries(RECOMMENDED_JSON)
  .map(([key, value]) => `            - {key: ${key}, value: "${value}"}`)
  .join("\n")}`

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
${
  mends.has("format") || mends.has("log")
    ? html`<details id="format"><summary>The log format that we recommend</summary><pre>${FORMAT}</pre><p class="sub">Routes that match on a header want that header as a key of its own beside these. GRPC_STATUS_NUMBER needs Envoy 1.22.</p></details>`
    : ""
}</section>`
}
