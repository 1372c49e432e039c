import type { Clock } from "#mesh/clock.ts"

/** What every command ends with. */
export const EXIT = {
  ok: { code: 0, meaning: "done" },
  failed: {
    code: 1,
    meaning: "something did not work: a file, an address, an answer; the message says what",
  },
  usage: { code: 2, meaning: "the command line is wrong" },
  refused: { code: 3, meaning: "a configuration, targets file or model file is wrong" },
  interrupted: { code: 130, meaning: "interrupted before the work had ended" },
} as const
export type ExitName = keyof typeof EXIT

/** The world as a command may see it; tests pass their own. */
export interface Terminal {
  readonly out: (text: string) => void
  readonly error: (text: string) => void
  /** Whether `out` is a terminal, and how wide; undefined where nobody knows. */
  readonly tty: boolean
  readonly columns: number | undefined
  readonly env: Readonly<Record<string, string | undefined>>
  /** Node's version, system and processor. */
  readonly system: string
  readonly clock: Clock
  /** Aborts at SIGINT or SIGTERM. */
  readonly signal: AbortSignal
}

/** How wide a table may be: as the terminal, and in a pipe or file as it likes. */
export function widthOf({ tty, columns }: Pick<Terminal, "tty" | "columns">): number | undefined {
  return tty && columns !== undefined && columns > 0 ? columns : undefined
}

/** One flag. With `value` it takes one, named so in the help; without, it is a switch. */
export interface Option {
  readonly name: string
  readonly short?: string
  readonly value?: string
  readonly help: string
}

export interface Arguments {
  /** Values of the flags that take one. */
  readonly values: ReadonlyMap<string, string>
  /** Switches that were given. */
  readonly switches: ReadonlySet<string>
  readonly positionals: readonly string[]
}

export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** What follows the name in the usage line. */
  readonly synopsis: string
  /** Sentences below the usage line. */
  readonly about: string
  readonly options: readonly Option[]
  readonly examples: readonly string[]
  /** How many words it takes beside its flags. */
  readonly positionals: { readonly least: number; readonly most: number; readonly name: string }
  /** Throws MeshscopeError and UsageError; `main` turns them into words and an exit code. */
  run(args: Arguments, terminal: Terminal): Promise<ExitName>
}

/** The command line asks for something that the command does not have. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = "UsageError"
  }
}
