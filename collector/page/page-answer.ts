import { createHash } from "node:crypto"
import type { Context } from "hono"
import type { Answers, Question } from "../view/answers.ts"
import { type Rules, type Wrong, wrongsOf } from "./asked.ts"
import { noMeshMain, noRouteMain, refusedMain } from "./refused-page.ts"
import { document, type Page, type PageQuery, WINDOW_NAMES } from "./shell.ts"
import type { Markup } from "./words.ts"

/** No inline script or style, no outside host, no framing. */
const PAGE_HEADERS = {
  "content-security-policy":
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
  "x-content-type-options": "nosniff",
  "referrer-policy": "no-referrer",
} as const

/** Mesh and window of a page, as views and links want them. */
export type Asked = PageQuery & Question

/** What a page is made of beside mesh, window and the names of all meshes. */
export type Made = Omit<Page, "meshes" | "query">

/** Of a page whose parameters are right; of another, what can be taken of it. */
function queryOf(c: Context): Asked {
  const mesh = c.req.query("mesh")
  return {
    mesh: mesh === "" ? undefined : mesh,
    window: WINDOW_NAMES.find((name) => name === c.req.query("window")) ?? "5m",
  }
}

/** Where the same answer is as JSON. */
export function jsonHref(path: string, query: PageQuery): string {
  const parameters = new URLSearchParams({
    window: query.window,
    ...(query.mesh === undefined ? {} : { mesh: query.mesh }),
  })
  return `/api/v1${path}?${parameters.toString()}`
}

/** Something else than the page that was asked for. */
interface Instead {
  readonly status: 400 | 404
  readonly title: string
  readonly main: Markup
  readonly query: Asked
}

function refused({ url, path }: Context["req"], wrongs: readonly Wrong[], query: Asked): Instead {
  const main = refusedMain(path, new URL(url).searchParams, wrongs)
  return { status: 400, title: "Not there", main, query: { ...query, mesh: undefined } }
}

/**
 * Answers with a page, or says what is wrong with its address: 400 with addresses that are right, 404 where there is no
 * such mesh, or no such route (`make` answers undefined).
 */
export async function answerPage(
  c: Context,
  views: Answers,
  rules: Rules,
  make: (query: Asked) => Promise<Made | undefined>,
): Promise<Response> {
  const etag = `"${views.generation()}-${createHash("sha256").update(c.req.url).digest("base64url").slice(0, 12)}"`
  if (c.req.header("if-none-match") === etag) return c.body(null, 304, { etag })
  const query = queryOf(c)
  const meshes = await views.meshes(query.window)
  const found = await pageOrInstead(c, rules, query, meshes, make)
  const headers = { ...PAGE_HEADERS, etag, "cache-control": "no-cache" }
  if (!("status" in found)) return c.html(document({ ...found, query, meshes }), 200, headers)
  const { status, title, main, query: asked } = found
  const answer = await views.summary(asked)
  const json = jsonHref("/summary", asked)
  return c.html(
    document({ title, path: c.req.path, query: asked, meshes, answer, json, main }),
    status,
    headers,
  )
}

async function pageOrInstead(
  c: Context,
  rules: Rules,
  query: Asked,
  meshes: readonly string[],
  make: (query: Asked) => Promise<Made | undefined>,
): Promise<Made | Instead> {
  const wrongs = wrongsOf(new URL(c.req.url).searchParams, rules)
  if (wrongs.length > 0) return refused(c.req, wrongs, query)
  if (query.mesh !== undefined && !meshes.includes(query.mesh)) {
    const main = noMeshMain(c.req.path, query, meshes)
    return { status: 404, title: "No such mesh", main, query: { ...query, mesh: undefined } }
  }
  return (await make(query)) ?? { status: 404, title: "No such route", main: noRouteMain(query), query }
}
