import { raw } from "hono/html"

/** The five shapes and the hatching of errors, drawn once per page and used by reference. */
export const SPRITE = raw(`<svg class="sprite" aria-hidden="true">
<symbol id="i-ok" viewBox="0 0 12 12"><circle cx="6" cy="6" r="5.2" fill="currentColor"/><path class="on" d="M3.4 6.2 5.2 8 8.6 4.4" fill="none" stroke-width="1.4"/></symbol>
<symbol id="i-degraded" viewBox="0 0 12 12"><path d="M6 .6 11.8 11H.2z" fill="currentColor"/><path class="on" d="M6 4v3.4M6 8.4v1.3" stroke-width="1.4"/></symbol>
<symbol id="i-failing" viewBox="0 0 12 12"><path d="M6 0 12 6 6 12 0 6z" fill="currentColor"/><path class="on" d="m4.1 4.1 3.8 3.8m0-3.8L4.1 7.9" stroke-width="1.4"/></symbol>
<symbol id="i-none" viewBox="0 0 12 12"><circle cx="6" cy="6" r="4.9" fill="none" stroke="currentColor" stroke-width="1.3"/><path d="M3.6 6h4.8" stroke="currentColor" stroke-width="1.3"/></symbol>
<symbol id="i-unknown" viewBox="0 0 12 12"><rect x=".8" y=".8" width="10.4" height="10.4" fill="none" stroke="currentColor" stroke-width="1.2" stroke-dasharray="2.2 1.3"/><path d="M4.4 4.7c0-2.1 3.2-2.1 3.2-.1C7.6 5.8 6 5.7 6 7.2M6 8.2v1.3" fill="none" stroke="currentColor" stroke-width="1.2"/></symbol>
<pattern id="hatch" width="5" height="5" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><rect class="hatch-bg" width="5" height="5"/><path class="hatch-fg" d="M0 0V5"/></pattern>
<pattern id="gap" width="6" height="6" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="gap-fg" d="M0 0V6"/></pattern>
</svg>`)

export const LOGO = raw(
  `<svg viewBox="0 0 18 18" aria-hidden="true" fill="none" stroke="currentColor" stroke-width="1.6"><circle cx="3.5" cy="9" r="2"/><circle cx="14.5" cy="3.5" r="2"/><circle cx="14.5" cy="14.5" r="2"/><path d="M5.5 8.2 12.6 4.4M5.5 9.8l7.1 3.8"/></svg>`,
)
