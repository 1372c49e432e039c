import { createHash } from "node:crypto"
import { readFileSync } from "node:fs"
import type { Hono } from "hono"

/** The parts of the style sheet, in the order of their rules. */
export const STYLES = [
  "tokens.css",
  "frame.css",
  "states.css",
  "map.css",
  "tables.css",
  "route.css",
  "forms.css",
  "narrow.css",
] as const

/** What the pages load, each with the files that it is made of, which lie beside this one. Nothing is loaded from elsewhere. */
const ASSETS = [
  { name: "page.css", files: STYLES, type: "text/css; charset=utf-8" },
  { name: "page.js", files: ["page.js"], type: "text/javascript; charset=utf-8" },
  { name: "icon.svg", files: ["icon.svg"], type: "image/svg+xml" },
] as const

/** Every file that is read when the pages are mounted. */
export const ASSET_FILES: readonly string[] = ASSETS.flatMap(({ files }) => files)

/** Serves what the pages load, read once. */
export function mountAssets(app: Hono): void {
  for (const { name, files, type } of ASSETS) {
    const body = Buffer.concat(files.map((file) => readFileSync(new URL(file, import.meta.url))))
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
