import { type ContainerFacts, environmentFacts, joinedFacts, labelledFacts, TELLING } from "../facts.ts"
import { describedDefinition, pairsOf } from "./answers.ts"

/** One revision of a task definition, without what discovery has no use for: of environments only what tells of Envoys. */
export interface Definition {
  /** `bridge` where it says nothing, as on Linux. */
  readonly networkMode: string
  readonly containers: ReadonlyMap<string, DefinedContainer>
}

interface DefinedContainer {
  readonly env: ReadonlyMap<string, string>
  readonly labelled: ContainerFacts
}

/** @param answer of DescribeTaskDefinition @throws MeshscopeError ECS_BAD_ANSWER */
export function definitionOf(answer: unknown): Definition {
  const { networkMode, containerDefinitions } = describedDefinition(answer)
  const containers = containerDefinitions.map(
    ({ name, environment, dockerLabels, logConfiguration }): [string, DefinedContainer] => [
      name,
      {
        env: telling(pairsOf(environment)),
        labelled: { ...labelledFacts(dockerLabels ?? {}), driver: logConfiguration?.logDriver ?? "" },
      },
    ],
  )
  return { networkMode: networkMode ?? "bridge", containers: new Map(containers) }
}

/** What is known of a container. @param overrides its environment as far as the task was started with another one */
export function definedFacts(
  { containers }: Definition,
  name: string,
  overrides: ReadonlyMap<string, string>,
): ContainerFacts | undefined {
  const defined = containers.get(name)
  if (defined === undefined) return undefined
  return joinedFacts(defined.labelled, environmentFacts(new Map([...defined.env, ...telling(overrides)])))
}

function telling(all: ReadonlyMap<string, string>): ReadonlyMap<string, string> {
  return new Map(
    TELLING.flatMap((name): [string, string][] => {
      const value = all.get(name)
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
