import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import type { Hono } from "hono"

/** Files that the pages load, read once. Nothing is loaded from elsewhere. */
const ASSETS = [
  ["page.css", "text/css; charset=utf-8"],
  ["page.js", "text/javascript; charset=utf-8"],
  ["icon.svg", "image/svg+xml"],
] as const

/** Serves what the pages load. */
export function mountAssets(app: Hono): void {
  for (const [name, type] of ASSETS) {
    const body = readFileSync(new URL(name, import.meta.url))
    const etag = `"${createHash("sha256").update(body).digest("base64url").slice(0, 16)}"`
    app.get(`/assets/${name}`, (c) => {
      const headers = {
        "content-type": type,
        etag,
        "cache-control": "no-cache",
        "x-content-type-options": "nosniff",
      }
      return c.req.header("if-none-match") === etag
        ? c.body(null, 304, headers)
        : c.body(new Uint8Array(body), 200, headers)
    })
  }
}
