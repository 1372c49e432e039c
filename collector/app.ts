import { type CollectorApp, makeRouter, mountApi } from "./api/api.ts"
import { type IntakeRouteDeps, mountIntake } from "./api/intake-route.ts"
import { type ModelRouteDeps, mountModel } from "./api/model-route.ts"
import type { OwnMetrics } from "./api/own-metrics.ts"
import type { Answers } from "./view/answers.ts"

export interface AppDeps {
  readonly answers: Answers
  readonly intake: IntakeRouteDeps
  readonly model: ModelRouteDeps
  readonly metrics: OwnMetrics
  readonly version: string
  /** Told of an error that nobody expected; the caller only hears that there was one. */
  readonly failed: (error: unknown) => void
}

const HEADERS = [
  ["x-content-type-options", "nosniff"],
  ["referrer-policy", "no-referrer"],
  ["x-frame-options", "DENY"],
  ["cross-origin-resource-policy", "same-origin"],
] as const

/** API, intake and the collector's own metrics on one application; pages are mounted on it by whoever has them. */
export function buildApp(deps: AppDeps): CollectorApp {
  const app = makeRouter()
  app.use(async (c, next) => {
    await next()
    for (const [name, value] of HEADERS) c.res.headers.set(name, value)
    // Pages bring their own policy; whatever else is answered may load nothing.
    if (!c.res.headers.has("content-security-policy"))
      c.res.headers.set("content-security-policy", "default-src 'none'; frame-ancestors 'none'")
  })
  mountApi(app, deps.answers, deps.version)
  mountIntake(app, deps.intake)
  mountModel(app, deps.model)
  app.get("/metrics", async (c) =>
    c.body(await deps.metrics.registry.metrics(), 200, { "content-type": deps.metrics.registry.contentType }),
  )
  app.get("/healthz", (c) => c.text("ok"))
  app.notFound((c) => c.json({ error: "There is nothing at this address.", problems: [] }, 404))
  app.onError((error, c) => {
    deps.failed(error)
    return c.json({ error: "The collector failed to answer; its log says why.", problems: [] }, 500)
  })
  return app
}
