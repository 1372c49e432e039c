import { samplesOf } from "../../../demo/exposition.ts"
import { Rising } from "../rig/rising.ts"

/** Gauges of the declared model: they are on every page, or the page is not whole. */
const DECLARED = ["mesh_resource_info", "mesh_route_weight", "mesh_slo_objective"]

/** Looks at one page after another, over kills of the agent, and tells what must not be. */
export class PageWatch {
  pages = 0
  readonly complaints: string[] = []
  readonly #rising = new Rising("mesh_agent_")
  readonly #declared: number

  /** `declared`: how many series tell of the declared model. */
  constructor(declared: number) {
    this.#declared = declared
  }

  /** `text`: a page in format 0.0.4. */
  take(text: string): void {
    this.pages++
    if (!text.endsWith("\n")) this.#complain("its end is missing")
    this.#wholeModel(text)
    // Own numbers of the agent begin anew with its process.
    for (const what of this.#rising.take(text)) this.#complain(what)
    this.#oneCommit(text)
    for (const { labels, count } of samplesOf(text, "mesh_agent_dropped_total"))
      if (count > 0) this.#complain(`dropped ${JSON.stringify(labels)} ${count}`)
    if (samplesOf(text, "mesh_agent_state_frozen").some(({ count }) => count > 0))
      this.#complain("it is frozen")
  }

  #complain(what: string): void {
    if (this.complaints.length < 50) this.complaints.push(`page ${this.pages}: ${what}`)
  }

  #wholeModel(text: string): void {
    const declared = DECLARED.reduce((sum, metric) => sum + samplesOf(text, metric).length, 0)
    if (declared !== this.#declared)
      this.#complain(`${declared} of ${this.#declared} series of the declared model`)
  }

  /** All that one request counts into is of one commit, so both sums are equal on every page. */
  #oneCommit(text: string): void {
    for (const reporter of ["gateway", "source", "destination"]) {
      const [requests, durations] = ["mesh_requests_total", "mesh_request_duration_seconds_count"].map(
        (metric) =>
          samplesOf(text, metric)
            .filter(({ labels }) => labels["reporter"] === reporter)
            .reduce((sum, { count }) => sum + count, 0),
      )
      if (requests !== durations) this.#complain(`${reporter}: ${requests} requests, ${durations} durations`)
    }
  }
}
