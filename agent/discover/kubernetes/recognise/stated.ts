import type { ContainerFacts, PodFacts } from "../pod.ts"
import { portOf } from "./found.ts"

/** What a pod's writer says of admin interfaces: `9901`, or `edge:9901,inner:9902` with the containers' names. */
const ADMIN_NOTE = "meshscope.dev/admin"

const MOST = 16

export interface Stated {
  /** Ports by container. */
  readonly ports: ReadonlyMap<string, number>
  /** What cannot be understood, as a sentence. */
  readonly problem: string | undefined
}

const NOTHING: Stated = { ports: new Map(), problem: undefined }

/** @param taken containers that were recognised without it */
export function statedAdmins(pod: PodFacts, taken: readonly string[]): Stated {
  const note = pod.annotations.get(ADMIN_NOTE)
  if (note === undefined) return NOTHING
  const ports = new Map<string, number>()
  for (const part of note.split(",").slice(0, MOST)) {
    const [, name = "", digits] = /^\s*(?:([a-z0-9-]{1,63}):)?(\d{1,5})\s*$/.exec(part) ?? []
    const port = portOf(digits)
    if (port === undefined) return wrong(pod, "expects a port, or container:port")
    const container =
      name === "" ? meant(pod.containers, port, taken) : pod.containers.find((one) => one.name === name)
    if (container === undefined)
      return wrong(
        pod,
        name === "" ? "must name the container, as container:port" : `names no container of the pod: ${name}`,
      )
    ports.set(container.name, port)
  }
  return { ports, problem: undefined }
}

/** The container that a port without a name is of, if only one can be meant. */
function meant(
  all: readonly ContainerFacts[],
  port: number,
  taken: readonly string[],
): ContainerFacts | undefined {
  const ways: ((container: ContainerFacts) => boolean)[] = [
    ({ name }) => taken.includes(name),
    ({ ports }) => ports.some((one) => one.port === port),
    ({ name }) => name === "envoy",
    () => true,
  ]
  for (const way of ways) {
    const [first, second] = all.filter(way)
    if (first !== undefined && second === undefined) return first
  }
  return undefined
}

const wrong = ({ namespace, name }: PodFacts, says: string): Stated => ({
  ...NOTHING,
  problem: `The annotation ${ADMIN_NOTE} of the pod ${namespace}/${name} ${says}.`,
})
