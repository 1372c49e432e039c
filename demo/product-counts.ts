import * as z from "zod"
import { type Counted, routeLabels } from "./compare.ts"
import { samplesOf } from "./exposition.ts"

/** Labels of the metric that the truth does not speak of. */
const BESIDE = new Set(["mesh", "flavor", "cluster", "protocol", "provenance"])

/** `mesh_requests_total` on the agent's page, with the truth's labels. */
export function agentCounts(page: string): readonly Counted[] {
  return samplesOf(page, "mesh_requests_total").map(({ labels, count }) => ({
    labels: Object.fromEntries(Object.entries(labels).filter(([name]) => !BESIDE.has(name))),
    count,
  }))
}

/** The collector's routes view, as far as it is looked at here. */
const routesView = z.object({
  rows: z.array(
    z.object({
      key: z.record(z.string(), z.string()),
      reporter: z.string(),
      numbers: z.object({
        ok: z.number(),
        clientErrors: z.number(),
        errors: z.number(),
        aborted: z.number(),
      }),
    }),
  ),
})

/** Requests by route key, reporter and outcome, from that view. */
export function routeCounts(answer: unknown): readonly Counted[] {
  return routesView.parse(answer).rows.flatMap(({ key, reporter, numbers }) => {
    const labels = routeLabels(reporter, (name) => key[name] ?? "")
    const outcomes = [
      ["ok", numbers.ok],
      ["client_error", numbers.clientErrors],
      ["error", numbers.errors],
      ["aborted", numbers.aborted],
    ] as const
    return outcomes
      .filter(([, count]) => count > 0)
      .map(([outcome, count]) => ({ labels: Object.assign({ outcome }, labels), count }))
  })
}
