import { serve } from "@hono/node-server"
import { Hono } from "hono"
import { mountPages } from "../../../collector/page/routes.ts"
import type { SmallCollector } from "../../fixtures/collector/small-collector.ts"

/** The pages of one collector on loopback. */
export interface Shown {
  readonly url: string
  readonly stop: () => Promise<void>
}

export async function show(collector: SmallCollector): Promise<Shown> {
  const app = new Hono()
  mountPages(app, collector.answers)
  const listening = Promise.withResolvers<number>()
  const server = serve({ fetch: app.fetch, port: 0, hostname: "127.0.0.1" }, ({ port }) => {
    listening.resolve(port)
  })
  return {
    url: `http://127.0.0.1:${await listening.promise}`,
    stop: async () => {
      const closed = Promise.withResolvers<undefined>()
      server.close(() => {
        closed.resolve(undefined)
      })
      await closed.promise
    },
  }
}
