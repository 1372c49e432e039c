import { parseArgs } from "node:util"
import { nearestName } from "#mesh/nearest.ts"
import { type Arguments, type Command, type Option, UsageError } from "./command.ts"

export const HELP: Option = { name: "help", short: "h", help: "Show this help." }

/** Reads the words after the command's name. Throws UsageError that names the nearest flag. */
export function parseArguments(command: Command, words: readonly string[]): Arguments {
  const options = [...command.options, HELP]
  const { tokens } = parseArgs({
    args: [...words],
    strict: false,
    tokens: true,
    allowPositionals: true,
    options: Object.fromEntries(
      options.map(({ name, short, value }) => [
        name,
        {
          type: value === undefined ? "boolean" : "string",
          ...(short === undefined ? {} : { short }),
        } as const,
      ]),
    ),
  })
  const values = new Map<string, string>()
  const switches = new Set<string>()
  const positionals: string[] = []
  for (const token of tokens) {
    if (token.kind === "positional") positionals.push(token.value)
    if (token.kind !== "option") continue
    const option = options.find(({ name }) => name === token.name)
    if (option === undefined) throw new UsageError(unknownFlag(command, token.rawName, options))
    if (option.value === undefined) {
      if (token.value !== undefined) throw new UsageError(`--${option.name} takes no value.`)
      switches.add(option.name)
    } else values.set(option.name, flagValue(option, token.value, token.inlineValue ?? false))
  }
  if (!switches.has(HELP.name)) checkCount(command, positionals)
  return { values, switches, positionals }
}

function unknownFlag({ name }: Command, raw: string, options: readonly Option[]): string {
  const near = nearestName(
    raw.replace(/^-+/, ""),
    options.map((option) => option.name),
  )
  const hint = near === undefined ? `see "meshscope ${name} --help"` : `the nearest is --${near}`
  return `${raw} is not a flag of "meshscope ${name}"; ${hint}.`
}

function flagValue(option: Option, value: string | undefined, inline: boolean): string {
  if (value !== undefined && value !== "" && (inline || !value.startsWith("-"))) return value
  throw new UsageError(`--${option.name} expects a value: --${option.name} ${option.value}.`)
}

function checkCount({ name, positionals, options }: Command, given: readonly string[]): void {
  const extra = given[positionals.most]
  const hint = options.some((option) => option.name === "config")
    ? `; a file is named by --config ${extra}`
    : ""
  if (extra !== undefined) throw new UsageError(`"${extra}" is more than "meshscope ${name}" takes${hint}.`)
  if (given.length < positionals.least)
    throw new UsageError(`"meshscope ${name}" expects ${positionals.name}.`)
}

/** The value of a flag that the command cannot do without. */
export function required(args: Arguments, command: Command, name: string): string {
  const value = args.values.get(name)
  if (value !== undefined) return value
  const option = command.options.find((candidate) => candidate.name === name)
  throw new UsageError(`"meshscope ${command.name}" expects --${name} ${option?.value ?? ""}.`)
}
