import type { Layout } from "./layout.ts"
import type { PageFormat } from "./line-value.ts"
import type { OwnPageBudget } from "./own-page.ts"

/**
 * The layouts that readers hold, so that replicas share one. A layout without a reader is forgotten: there are never
 * more of them than readers.
 */
export class LayoutPool {
  readonly #layouts = new Map<string, Layout>()
  /** Pages of nearly idle proxies, which are read faster against their own last one. */
  readonly ownPages: OwnPageBudget

  constructor(maxOwnPageBytes = 16 * 1024 * 1024) {
    this.ownPages = { maxBytes: maxOwnPageBytes, bytes: 0 }
  }

  /** The layout with these names, if one is held. A hash may lie: the caller proves it by walking the page. */
  find(format: PageFormat, lines: number, signature: number): Layout | undefined {
    return this.#layouts.get(keyOf(format, lines, signature))
  }

  /** A layout to try on a proxy's first page: the one of this format with the most readers. */
  likeliest(format: PageFormat): Layout | undefined {
    let best: Layout | undefined
    for (const layout of this.#layouts.values()) {
      if (layout.format === format && layout.users > (best?.users ?? 0)) best = layout
    }
    return best
  }

  /** One more reader. A different layout under the same hash stays outside the pool and is simply not shared. */
  hold(layout: Layout): void {
    const key = keyOf(layout.format, layout.lines, layout.signature)
    if (!this.#layouts.has(key)) this.#layouts.set(key, layout)
    layout.users++
  }

  /** One reader fewer. */
  release(layout: Layout): void {
    layout.users--
    if (layout.users > 0) return
    const key = keyOf(layout.format, layout.lines, layout.signature)
    if (this.#layouts.get(key) === layout) this.#layouts.delete(key)
  }

  get size(): number {
    return this.#layouts.size
  }

  /** Bytes held by all layouts. */
  get bytes(): number {
    let bytes = 0
    for (const layout of this.#layouts.values()) bytes += layout.text.length + layout.lines * 16
    return bytes
  }
}

function keyOf(format: PageFormat, lines: number, signature: number): string {
  return `${format} ${lines} ${signature}`
}
