import type { DemoArguments } from "./arguments.ts"
import { faultHelp } from "./faults.ts"
import type { Session } from "./session.ts"
import { traceText } from "./trace-text.ts"
import type { Verdict } from "./verdict.ts"

/** What is up, where to look, and what to do next. */
export function greeting(session: Session, args: DemoArguments, ms: number): string {
  const { fleet } = session.stage
  return [
    `${fleet.proxies.length} Envoys and their applications are up after ${(ms / 1000).toFixed(1)} s.`,
    "",
    ...placesOf(session),
    "",
    "Admin pages of the Envoys:",
    ...fleet.proxies.map(({ name, admin }) => `  ${name.padEnd(36)} http://${admin}`),
    "",
    `Load: ${args.rate} requests a second, mix ${args.mix}, seed ${args.seed}.`,
    ...nextSteps(session, args),
  ].join("\n")
}

function placesOf({ stage, product, runDir, spansTold }: Session): string[] {
  const places = [
    ["Application", `http://${stage.fleet.gateway()}/`],
    ["Files", runDir],
  ]
  if (product !== undefined)
    places.unshift(["Page", `${product.collectorUrl}/`], ["Metrics", product.metricsUrl])
  if (spansTold !== "") places.push(["Spans", spansTold])
  return places.map(([name = "", place]) => `  ${name.padEnd(12)} ${place}`)
}

function nextSteps({ product, shelf }: Session, { forMs }: DemoArguments): string[] {
  if (forMs !== undefined) return [`It ends after ${forMs / 1000} s; Ctrl-C ends it sooner.`]
  return [
    "",
    ...(product === undefined
      ? []
      : [
          "Open the page, or in another terminal:",
          `  npm run -s meshscope -- routes --watch --collector ${product.collectorUrl}`,
          `  npm run -s meshscope -- cost --agent ${product.metricsUrl}    what AWS would take for a month of it`,
          "",
        ]),
    ...(shelf === undefined
      ? []
      : ["Type trace and Enter to see one request on its way through the mesh.", ""]),
    "Let something fail: type one of these and Enter. Ctrl-C ends all.",
    faultHelp(),
  ]
}

/** One request's trace, as the agent handed it on. */
export function shownTrace({ shelf }: Pick<Session, "shelf">): string {
  if (shelf === undefined) return "No spans come to the demo's agent: there is no trace to show."
  const spans = shelf.shown()
  return spans === undefined ? "No trace is whole yet; try again in a moment." : traceText(spans)
}

/** What became of the Envoys' spans; empty where none come to the agent. */
export async function spansText({ shelf, product }: Session): Promise<string> {
  if (shelf === undefined || product === undefined) return ""
  const came = (await product.spans()).reduce((sum, { count }) => sum + count, 0)
  const went = shelf.spans()
  return `${came} spans came from the Envoys to the agent; ${went === came ? "all" : went} went on from there, in Zipkin's form.`
}

/** The end of a run that was measured, for people. */
export function verdictText({ agree, truth, agentDiffers, collectorDiffers }: Verdict): string {
  const differing = [...agentDiffers, ...collectorDiffers]
    .slice(0, 20)
    .map(({ labels, truth: really, told }) => `  ${JSON.stringify(labels)}: ${told}, really ${really}\n`)
  const undecided = truth.undecided.map(({ why, count }) => `  ${count} times not decided: ${why}\n`)
  return agree
    ? `${truth.sent} requests sent; agent and collector agree with the truth to the request.\n`
    : `${truth.sent} requests sent; what was counted differs from what happened:\n${[...differing, ...undecided].join("")}`
}
