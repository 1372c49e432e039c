import { html } from "hono/html"
import type { TargetRow } from "../view/route-detail.ts"
import { DASH, grouped, type Markup, orDash, percent, rate, wrapped } from "./words.ts"

const part = (share: number): string => `${(share * 100).toFixed(2)}%`

/** One horizontal bar of shares, in the order of targets; alternating blues. `bad`: part of each share that failed. */
function bar(shares: readonly { readonly share: number; readonly bad?: number }[]): Markup {
  let x = 0
  return html`<svg class="bar" aria-hidden="true"><rect class="track" width="100%" height="14"/>${shares.map(
    ({ share, bad }, index) => {
      const failed = Math.min(share, bad ?? 0)
      const at = x
      x += share
      return html`<rect class="v${(index % 2) + 1}" x="${part(at)}" width="${part(share)}" height="14"/>${failed > 0 ? html`<rect class="bad" x="${part(at + share - failed)}" width="${part(failed)}" height="14"/>` : ""}`
    },
  )}</svg>`
}

function hosts(row: TargetRow): string | Markup {
  const seen = row.hosts
  if (seen === null) return DASH
  const out = [
    seen.unhealthy > 0 ? `${seen.unhealthy} unhealthy` : "",
    seen.ejected > 0 ? `${seen.ejected} ejected` : "",
    seen.degraded > 0 ? `${seen.degraded} degraded` : "",
  ].filter((text) => text !== "")
  const spread = seen.spread > 0 && seen.worstClient !== null ? `; worst seen by ${seen.worstClient}` : ""
  if (seen.total === 0) return "no host known"
  return `${seen.healthy} of ${seen.total} healthy${out.length === 0 ? "" : ` (${out.join(", ")})`}${spread}`
}

/** `below`: what stands below the name where there is no room for a column of it. */
function nameCell(name: string, index: number, below: Markup | string = ""): Markup {
  return html`<th scope="row"><span class="key${index % 2 === 0 ? "" : " v2"}"></span>${wrapped(name === "" ? "(none: never left the caller)" : name)}${below === "" ? "" : html`<span class="sub narrow">${below}</span>`}</th>`
}

function declaredBar(targets: readonly TargetRow[], columns: number): Markup {
  if (!targets.every((row) => row.declaredShare !== null)) return html``
  return html`<tr><th scope="row" class="soft">Declared</th><td colspan="${columns}">${bar(targets.map((row) => ({ share: row.declaredShare ?? 0 })))}</td></tr>`
}

const NONE = html`<p class="muted">No target is declared and none was seen.</p>`

/** The same of a service that speaks TCP: connections tell no target's share. */
export function tcpWeights(targets: readonly TargetRow[]): Markup {
  if (targets.length === 0) return NONE
  return html`<div class="scroll" role="region" aria-label="Targets, table" tabindex="0"><table class="dense targets"><caption class="vh">Targets: weights declared, and hosts</caption><thead><tr><th scope="col">Virtual node</th><th scope="col" class="n">Weight</th><th scope="col" class="n">Declared %</th><th scope="col" class="wide">Hosts, as the worst client sees them</th></tr></thead>
<tbody>${targets.map(
    (row, index) =>
      html`<tr>${nameCell(row.virtualNode, index, hosts(row))}<td class="n">${row.declaredWeight ?? DASH}</td><td class="n">${orDash(percent(row.declaredShare, 1))}</td><td class="wide soft">${hosts(row)}</td></tr>`,
  )}
${declaredBar(targets, 3)}</tbody></table></div>`
}

/** What was declared for each target, what it received, how it answered, and its hosts. */
export function weights(targets: readonly TargetRow[]): Markup {
  if (targets.length === 0) return NONE
  const received = targets.some((row) => (row.receivedShare ?? 0) > 0)
  return html`<div class="scroll" role="region" aria-label="Targets, table" tabindex="0"><table class="dense targets"><caption class="vh">Targets: weights declared and received</caption><thead><tr><th scope="col">Virtual node</th><th scope="col" class="n wide">Weight</th><th scope="col" class="n">Declared %</th><th scope="col" class="n">Received %</th><th scope="col" class="n wide">Requests/s</th><th scope="col" class="n">Errors %</th><th scope="col" class="n wide">Attempts</th><th scope="col" class="wide">Hosts, as the worst client sees them</th></tr></thead>
<tbody>${targets.map((row, index) => {
    const bad = (row.numbers.errorRatio ?? 0) >= 0.05
    return html`<tr>${nameCell(row.virtualNode, index)}<td class="n wide">${row.declaredWeight ?? DASH}</td><td class="n">${orDash(percent(row.declaredShare, 1))}</td><td class="n">${orDash(percent(row.receivedShare, 1))}</td><td class="n wide">${orDash(rate(row.numbers.requestsPerSecond))}</td><td class="n${bad ? " hot" : ""}">${orDash(percent(row.numbers.errorRatio))}</td><td class="n wide">${row.numbers.attemptsPerRequest === null ? DASH : grouped(row.numbers.attemptsPerRequest, 2)}</td><td class="wide soft">${hosts(row)}</td></tr>`
  })}
${declaredBar(targets, 7)}
${received ? html`<tr><th scope="row" class="soft">Received, errors hatched</th><td colspan="7">${bar(targets.map((row) => ({ share: row.receivedShare ?? 0, bad: (row.receivedShare ?? 0) * (row.numbers.errorRatio ?? 0) })))}</td></tr>` : ""}</tbody></table></div>`
}
