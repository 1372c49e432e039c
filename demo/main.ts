import { createInterface } from "node:readline"
import { MeshscopeError } from "#mesh/errors.ts"
import { type DemoArguments, parseDemoArguments, USAGE } from "./arguments.ts"
import { envoyBinary } from "./envoy-binary.ts"
import { applyFault, FaultProblem, faultHelp } from "./faults.ts"
import { readPlay, type Session, startSession } from "./session.ts"
import { type Verdict, verdict } from "./verdict.ts"

/** `npm run demo`: see `--help`. What is for the user goes to standard error, so that JSON stands alone. */
const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

async function main(): Promise<void> {
  const args = parseDemoArguments(process.argv.slice(2))
  if (args.help) {
    process.stdout.write(USAGE)
    return
  }
  const planned = await readPlay(args)
  const interrupted = interruption()
  const envoy = await envoyBinary()
  const started = performance.now()
  const session = await startSession(args, planned, { envoy, say }).catch((error: unknown) => {
    // Ctrl-C reaches agent and collector too: their end is then no news.
    if (!interrupted.aborted) throw error
  })
  if (session === undefined) return
  try {
    say(greeting(session, args, performance.now() - started))
    const stopListening = listen(session)
    await session.play(interrupted)
    stopListening()
    if (args.forMs !== undefined && !interrupted.aborted) await conclude(session, args)
  } finally {
    await session.stop()
    if (interrupted.aborted) say(farewell(session, args))
  }
}

function greeting({ stage, product, faults, runDir }: Session, args: DemoArguments, ms: number): string {
  const { fleet } = stage
  const proxies = fleet.proxies.map(({ name, admin }) => `  ${name.padEnd(36)} http://${admin}`)
  const urls =
    product === undefined
      ? []
      : [`Page of the collector:  ${product.collectorUrl}/`, `Metrics of the agent:   ${product.metricsUrl}`]
  return [
    `${fleet.proxies.length} Envoys and their applications are up after ${(ms / 1000).toFixed(1)} s. Admin pages:`,
    ...proxies,
    `Gateway:                http://${fleet.gateway()}/`,
    ...urls,
    `Run folder:             ${runDir}`,
    `Load: ${args.rate} requests a second, mix ${args.mix}, seed ${args.seed}.`,
    ...(args.forMs === undefined ? ["Type a fault (or help), Ctrl-C to end:", faultHelp(faults)] : []),
  ].join("\n")
}

/** Under npm one Ctrl-C comes twice: from the terminal, and passed on by npm. */
const SAME_PRESS_MS = 1000

/** Aborts at Ctrl-C. One that comes later, while all is being stopped, ends the process at once. */
function interruption(): AbortSignal {
  const stop = new AbortController()
  let first = 0
  for (const name of ["SIGINT", "SIGTERM"] as const) {
    process.on(name, () => {
      if (!stop.signal.aborted) first = performance.now()
      else if (performance.now() - first > SAME_PRESS_MS) process.exit(130)
      stop.abort()
    })
  }
  return stop.signal
}

function farewell({ runDir }: Session, { keep }: DemoArguments): string {
  return keep ? `Stopped; only ${runDir} is left.` : "Stopped; nothing is left behind."
}

/** Fault commands from standard input, one a line. */
function listen({ stage, faults }: Session): () => void {
  const lines = createInterface({ input: process.stdin })
  lines.on("line", (line) => {
    if (line.trim() === "") return
    if (line.trim() === "help") say(faultHelp(faults))
    else applyFault(faults, stage, line).then(say, (error: unknown) => say(sentence(error)))
  })
  return () => {
    lines.close()
    process.stdin.destroy()
  }
}

async function conclude({ stage, product }: Session, args: DemoArguments): Promise<void> {
  if (product === undefined) {
    const truth = await stage.truth()
    process.stdout.write(`${JSON.stringify({ truth }, undefined, 1)}\n`)
    return
  }
  const end = await verdict(stage, product)
  process.stdout.write(args.json ? `${JSON.stringify(end, undefined, 1)}\n` : summaryText(end))
  if (!end.agree) process.exitCode = 1
}

function summaryText({ agree, truth, agentDiffers, collectorDiffers }: Verdict): string {
  const differing = [...agentDiffers, ...collectorDiffers]
    .slice(0, 20)
    .map(({ labels, truth: really, told }) => `  ${JSON.stringify(labels)}: ${told}, really ${really}\n`)
  return agree
    ? `${truth.sent} requests sent; agent and collector agree with the truth to the request.\n`
    : `${truth.sent} requests sent; what was counted differs from what happened:\n${differing.join("")}`
}

function sentence(error: unknown): string {
  if (error instanceof FaultProblem || error instanceof MeshscopeError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

// Whoever reads the output may have gone; the run folder is removed all the same.
process.stdout.on("error", () => {})
try {
  await main()
} catch (error) {
  say(sentence(error))
  process.exitCode = 1
}
