import { createInterface } from "node:readline"
import { systemClock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { interruption } from "../cli/interruption.ts"
import { type DemoArguments, parseDemoArguments, usage } from "./arguments.ts"
import { envoyBinary } from "./envoy-binary.ts"
import { FaultProblem } from "./fault-words.ts"
import { applyFault, faultHelp } from "./faults.ts"
import { greeting, shownTrace, spansText, verdictText } from "./greeting.ts"
import { type Play, readPlay, type Session, startSession } from "./session.ts"
import { verdict } from "./verdict.ts"

/** `npm run demo`: see `--help`. What is for the user goes to standard error, so that JSON stands alone. */
const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** @returns the exit code, as the help has it */
async function main(words: readonly string[]): Promise<number> {
  let asked: { args: DemoArguments; play: Play }
  try {
    const args = parseDemoArguments(words)
    if (args.help) {
      process.stdout.write(usage())
      return 0
    }
    asked = { args, play: await readPlay(args) }
  } catch (error) {
    say(`${sentence(error)} See npm run demo -- --help.`)
    return 2
  }
  return run(asked.args, asked.play)
}

async function run(args: DemoArguments, play: Play): Promise<number> {
  const interrupted = interruption(process, systemClock)
  interrupted.addEventListener("abort", () =>
    say("Stopping. Ctrl-C again ends at once, and may leave files."),
  )
  const envoy = await envoyBinary()
  const started = performance.now()
  const session = await startSession(args, play, { envoy, say }).catch((error: unknown) => {
    // Ctrl-C reaches agent and collector too: their end is then no news.
    if (!interrupted.aborted) throw error
  })
  if (session === undefined) return 0
  try {
    if (interrupted.aborted) return 0
    say(greeting(session, args, performance.now() - started))
    const stopListening = listen(session)
    await session.play(interrupted)
    stopListening()
    const exit = args.forMs === undefined || interrupted.aborted ? 0 : await conclude(session, args)
    if (args.showTrace) say(shownTrace(session))
    return exit
  } finally {
    await session.stop()
    say(args.keep ? `Stopped; only ${session.runDir} is left.` : "Stopped; nothing is left behind.")
  }
}

/** Fault commands, and `trace`, from standard input, one a line. */
function listen(session: Session): () => void {
  const { stage, declared } = session
  const lines = createInterface({ input: process.stdin })
  lines.on("line", (line) => {
    if (line.trim() === "") return
    if (line.trim() === "help") say(faultHelp())
    else if (line.trim() === "trace") say(shownTrace(session))
    else applyFault(declared, stage, line).then(say, (error: unknown) => say(sentence(error)))
  })
  return () => {
    lines.close()
    process.stdin.destroy()
  }
}

async function conclude(session: Session, args: DemoArguments): Promise<number> {
  const { stage, product } = session
  if (product === undefined) {
    const truth = await stage.truth()
    process.stdout.write(`${JSON.stringify({ truth }, undefined, 1)}\n`)
    return 0
  }
  say("The time is over; waiting until everything is counted.")
  const end = await verdict(stage, product)
  process.stdout.write(args.json ? `${JSON.stringify(end, undefined, 1)}\n` : verdictText(end))
  const spans = await spansText(session)
  if (spans !== "") say(spans)
  return end.agree ? 0 : 1
}

function sentence(error: unknown): string {
  if (error instanceof FaultProblem || error instanceof MeshscopeError) return error.message
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

// Whoever reads the output may have gone; the run folder is removed all the same.
process.stdout.on("error", () => {})
try {
  process.exitCode = await main(process.argv.slice(2))
} catch (error) {
  say(sentence(error))
  process.exitCode = 1
}
