import { samplesOf } from "../../../demo/exposition.ts"
import type { Site } from "./site.ts"

/** Requests for pods as the API server counts them, of all who ask. */
export interface PodRequests {
  readonly list: number
  /** Watches that have ended. */
  readonly watch: number
  /** Watches that are open. */
  readonly open: number
}

export async function podRequests({ server }: Site): Promise<PodRequests> {
  const page = String(await server.send("GET", "/metrics"))
  const sum = (metric: string, verb: string): number =>
    samplesOf(page, metric)
      .filter(({ labels }) => labels["resource"] === "pods" && labels["verb"] === verb)
      .reduce((total, { count }) => total + count, 0)
  return {
    list: sum("apiserver_request_total", "LIST"),
    watch: sum("apiserver_request_total", "WATCH"),
    open: sum("apiserver_longrunning_requests", "WATCH"),
  }
}
