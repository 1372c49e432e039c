import type { ProxyHint } from "#mesh/proxy.ts"
import type { EcsContainer, EcsTask } from "./tasks.ts"

/** What is known of a container beside what the ECS agent tells: from Docker, or from its task definition. */
export interface ContainerFacts {
  readonly hint: ProxyHint
  /** Port of the admin interface, where its environment or our label sets one. */
  readonly adminPort: number | undefined
  /** Our label is there: it is an Envoy, whatever it is called. */
  readonly stated: boolean
  readonly exported: Exported | undefined
  /** The file that the json-file driver writes; empty: not told. */
  readonly logFile: string
  /** Its log driver; empty: not told. */
  readonly driver: string
}

/** Labels by which users of CloudWatch's and OpenTelemetry's discovery say where a container's metrics are. */
interface Exported {
  readonly port: number
  readonly path: string
}

export type FactsOf = (task: EcsTask, container: EcsContainer) => ContainerFacts

const NO_FACTS: ContainerFacts = {
  hint: {},
  adminPort: undefined,
  stated: false,
  exported: undefined,
  logFile: "",
  driver: "",
}
export const noFacts: FactsOf = () => NO_FACTS

/** A container's label for the port of its admin interface; annotations of pods have the same name. */
const ADMIN_LABEL = "meshscope.dev/admin"

/** What its labels tell. */
export function labelledFacts(labels: Readonly<Record<string, string>>): ContainerFacts {
  const told = (name: string): string | undefined => (Object.hasOwn(labels, name) ? labels[name] : undefined)
  const admin = portOf(told(ADMIN_LABEL))
  const port = portOf(told("ECS_PROMETHEUS_EXPORTER_PORT"))
  const path = told("ECS_PROMETHEUS_METRICS_PATH") ?? "/metrics"
  return {
    ...NO_FACTS,
    adminPort: admin,
    stated: admin !== undefined,
    exported: port === undefined ? undefined : { port, path },
  }
}

/** In the order in which App Mesh's image makes its node id of them. */
const RESOURCE = ["APPMESH_RESOURCE_ARN", "APPMESH_RESOURCE_NAME", "APPMESH_VIRTUAL_NODE_NAME"]
const ADMIN_PORT = "ENVOY_ADMIN_ACCESS_PORT"
/** Variables that tell something; nobody has to keep others, which may be secret. */
export const TELLING: readonly string[] = [...RESOURCE, ADMIN_PORT]

/** What its environment tells. */
export function environmentFacts(env: ReadonlyMap<string, string>): ContainerFacts {
  const nodeId = RESOURCE.map((name) => env.get(name) ?? "").find((value) => value !== "")
  return {
    ...NO_FACTS,
    hint: nodeId === undefined ? {} : { flavor: "app-mesh", nodeId },
    adminPort: portOf(env.get(ADMIN_PORT)),
  }
}

/** What several tell of one container: the first who tells it. */
export function joinedFacts(first: ContainerFacts, second: ContainerFacts): ContainerFacts {
  return {
    hint: Object.keys(first.hint).length > 0 ? first.hint : second.hint,
    adminPort: first.adminPort ?? second.adminPort,
    stated: first.stated || second.stated,
    exported: first.exported ?? second.exported,
    logFile: first.logFile || second.logFile,
    driver: first.driver || second.driver,
  }
}

function portOf(text: string | undefined): number | undefined {
  const port = /^\d{1,5}$/.test(text ?? "") ? Number(text) : 0
  return port > 0 && port <= 65_535 ? port : undefined
}
