import type { DeclaredMesh } from "#mesh/declared.ts"
import { FaultProblem, FaultWords } from "./fault-words.ts"
import { NODE_FAULTS, switchApp } from "./node-faults.ts"
import { ROUTE_FAULTS } from "./route-faults.ts"
import type { Stage } from "./stage.ts"

/** Brings a fault into force. @returns a sentence that says what is in force now */
export type Act = (stage: Stage) => Promise<string>

/** Something that goes wrong, or is shifted, while the load goes on. */
export interface FaultKind {
  /** Its name, then the words that it takes. */
  readonly usage: string
  readonly help: string
  /** Reads the words behind its name, before anything happens. @throws FaultProblem */
  read(words: FaultWords): Act
}

/** Back to the mesh as it was declared. */
const heal: FaultKind = {
  usage: "heal",
  help: "ends all faults, and brings back the declared routes and weights",
  read: ({ mesh }) => {
    const well = { mesh, down: new Set<string>(), withoutEndpoints: new Set<string>(), extra: [] }
    return async (stage) => {
      const { apps } = stage.fleet
      await stage.change({ ...well, breakers: new Map() }, async () => {
        for (const { name: node } of mesh.virtualNodes) {
          await switchApp(stage, node, "up")
          await apps.order({ kind: "slow", node, delayMs: 0 })
          await apps.order({ kind: "abort", node, on: false })
        }
      })
      return "Everything is as declared."
    }
  },
}

const KINDS: readonly FaultKind[] = [...NODE_FAULTS, ...ROUTE_FAULTS, heal]

/**
 * What a line such as `weights 99:1` asks for in a mesh.
 * @throws FaultProblem with a sentence that names what there is
 */
export function readFault(declared: DeclaredMesh, line: string): Act {
  const [name, ...rest] = line.trim().split(/\s+/)
  const kind = KINDS.find((known) => nameOf(known) === name)
  if (kind === undefined)
    throw new FaultProblem(`There is no fault "${name}". There are: ${KINDS.map(nameOf).join(", ")}.`)
  const words = new FaultWords(rest, kind.usage, declared)
  const act = kind.read(words)
  words.end()
  return act
}

/** The fault that was asked for last, of each stage. */
const turns = new WeakMap<Stage, Promise<unknown>>()

/** Runs one line such as `weights 99:1`, behind those before it. Rejects with FaultProblem. */
export async function applyFault(declared: DeclaredMesh, stage: Stage, line: string): Promise<string> {
  const act = readFault(declared, line)
  const turn = (turns.get(stage) ?? Promise.resolve()).then(async () => act(stage))
  turns.set(
    stage,
    turn.catch(() => undefined),
  )
  return turn
}

/** One line a fault. */
export function faultHelp(): string {
  const width = Math.max(...KINDS.map(({ usage }) => usage.length))
  return KINDS.map(({ usage, help }) => `  ${usage.padEnd(width)}  ${help}`).join("\n")
}

const nameOf = ({ usage }: FaultKind): string => usage.split(" ")[0] ?? usage
