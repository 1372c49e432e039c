import type { Admission } from "../access/admission.ts"
import type { ServedModel } from "../model/document.ts"
import type { CollectorApp } from "./api.ts"
import { accepts, holds } from "./reply.ts"

export interface ModelRouteDeps {
  /** The same who may send. */
  readonly admission: Admission
  /** Undefined: this collector has no source of the declared model. */
  readonly home: { readonly served: ServedModel | undefined } | undefined
}

/** A collector that begins lists its objects within seconds. */
const RETRY_SECONDS = "5"

/** `GET /model`: the declared model for agents, with an ETag. */
export function mountModel(app: CollectorApp, { admission, home }: ModelRouteDeps): void {
  app.get("/model", async (c) => {
    const verdict = await admission.check(c.req.header("authorization"))
    if (verdict.kind !== "admitted") {
      if (verdict.kind === "unsure") c.header("retry-after", RETRY_SECONDS)
      return c.json({ error: verdict.message, problems: [] }, verdict.kind === "unsure" ? 503 : 401)
    }
    if (home === undefined)
      return c.json(
        { error: "This collector knows no declared model: it has no setting model.", problems: [] },
        404,
      )
    const { served } = home
    if (served === undefined) {
      c.header("retry-after", RETRY_SECONDS)
      return c.json({ error: "The declared model is not known yet.", problems: [] }, 503)
    }
    const headers = { etag: served.etag, "cache-control": "no-cache", vary: "accept-encoding, authorization" }
    if (holds(c.req.header("if-none-match"), served.etag)) return c.body(null, 304, headers)
    const typed = { ...headers, "content-type": "application/json" }
    if (!accepts(c.req.header("accept-encoding"))) return c.body(served.plain, 200, typed)
    return c.body(await served.zipped(), 200, { ...typed, "content-encoding": "gzip" })
  })
}
