import { HELP } from "./arguments.ts"
import { type Command, EXIT } from "./command.ts"

/** Help on one command. */
export function commandHelp(command: Command): string {
  const flags = [...command.options, HELP].map(({ name, short, value, help }): [string, string] => [
    `${short === undefined ? "    " : `-${short}, `}--${name}${value === undefined ? "" : ` ${value}`}`,
    help,
  ])
  return (
    [
      `Usage: meshscope ${`${command.name} ${command.synopsis}`.trim()}`,
      command.about,
      `Flags:\n${columns(flags)}`,
      `Examples:\n${command.examples.map((example) => `  ${example}`).join("\n")}`,
      exitCodes(),
    ].join("\n\n") + "\n"
  )
}

/** Help on the program. */
export function programHelp(commands: readonly Command[]): string {
  return (
    [
      "Usage: meshscope COMMAND [FLAGS]",
      "Error rates per route of service meshes whose proxies are Envoys.",
      `Commands:\n${columns(commands.map(({ name, summary }) => [name, summary]))}`,
      "A first look, which keeps nothing: meshscope once --config FILE. Every setting: docs/config.md, examples/.",
      "Help on one command: meshscope COMMAND --help. Version: meshscope --version",
      exitCodes(),
    ].join("\n\n") + "\n"
  )
}

function exitCodes(): string {
  return `Exit codes:\n${columns(Object.values(EXIT).map(({ code, meaning }) => [String(code), meaning]))}`
}

function columns(rows: readonly (readonly [string, string])[]): string {
  const width = Math.max(...rows.map(([left]) => left.length))
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`).join("\n")
}
