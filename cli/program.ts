import { MeshscopeError } from "#mesh/errors.ts"
import { nearestName } from "#mesh/nearest.ts"
import { plainText } from "#mesh/plain-text.ts"
import { VERSION } from "#mesh/version.ts"
import { agentCommand } from "./agent.ts"
import { HELP, parseArguments } from "./arguments.ts"
import { bundleCommand } from "./bundle.ts"
import { checkCommand } from "./check.ts"
import { collectorCommand } from "./collector.ts"
import { type Command, type ExitName, type Terminal, UsageError } from "./command.ts"
import { configCommand } from "./config.ts"
import { costCommand } from "./cost.ts"
import { doctorCommand } from "./doctor.ts"
import { commandHelp, programHelp } from "./help.ts"
import { modelCommand } from "./model.ts"
import { onceCommand } from "./once.ts"
import { routesCommand } from "./routes.ts"

export const COMMANDS: readonly Command[] = [
  agentCommand,
  collectorCommand,
  checkCommand,
  configCommand,
  modelCommand,
  onceCommand,
  doctorCommand,
  bundleCommand,
  routesCommand,
  costCommand,
]

/** Runs one command line, without the program's own name. Never rejects for what the user or the world did. */
export async function runProgram(words: readonly string[], terminal: Terminal): Promise<ExitName> {
  try {
    return await dispatch(words, terminal)
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.error(`${plainText(error.message)}\n`)
      return "usage"
    }
    if (!(error instanceof MeshscopeError)) throw error
    const lines = error.message.split("\n").map(plainText)
    terminal.error(`${lines.join("\n")}\n`)
    return /^(CONFIG|MODEL)_/.test(error.code) ? "refused" : "failed"
  }
}

async function dispatch([name, ...words]: readonly string[], terminal: Terminal): Promise<ExitName> {
  if (name === undefined || name === "help" || name === "--help" || name === "-h")
    return help(words, terminal, name)
  if (name === "--version" || name === "version" || name === "-V" || name === "-v") {
    terminal.out(`meshscope ${VERSION}\n`)
    return "ok"
  }
  const command = commandOf(name)
  const args = parseArguments(command, words)
  if (!args.switches.has(HELP.name)) return command.run(args, terminal)
  terminal.out(commandHelp(command))
  return "ok"
}

function help([topic]: readonly string[], terminal: Terminal, word: string | undefined): ExitName {
  if (word === "help" && topic !== undefined) {
    terminal.out(commandHelp(commandOf(topic)))
    return "ok"
  }
  const text = programHelp(COMMANDS)
  if (word !== undefined) terminal.out(text)
  else terminal.error(text)
  return word === undefined ? "usage" : "ok"
}

function commandOf(name: string): Command {
  const found = COMMANDS.find((command) => command.name === name)
  if (found !== undefined) return found
  const names = COMMANDS.map((command) => command.name)
  if (name.startsWith("-"))
    throw new UsageError(`${name} stands where a command is expected; the commands are ${names.join(", ")}.`)
  const near = nearestName(name, names)
  const hint = near === undefined ? `the commands are ${names.join(", ")}` : `the nearest is "${near}"`
  throw new UsageError(`"${name}" is not a command; ${hint}.`)
}
