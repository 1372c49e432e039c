import type { ProxyHint, ProxyTarget, Served } from "#mesh/proxy.ts"
import type { ContainerFacts, PodFacts } from "../pod.ts"

/** What a container is taken for. */
export interface Found {
  readonly port: number
  /** Absent: Envoy's whole admin interface. */
  readonly serves?: Served
  readonly hint?: ProxyHint
  readonly gaps?: ProxyTarget["gaps"]
  /** The admin interface listens on IPv4 alone. */
  readonly fourOnly?: boolean
  /** What is known of it beside the pod. */
  readonly labels?: Readonly<Record<string, string>>
}

/** Looks at one container of a pod. Pure, and never throws, whatever stands in the pod. */
export type Recognise = (pod: PodFacts, container: ContainerFacts) => Found | undefined

/** A port as a text holds it; undefined for anything else. */
export function portOf(text: string | undefined): number | undefined {
  const port = /^\d{1,5}$/.test(text ?? "") ? Number(text) : 0
  return port >= 1 && port <= 65_535 ? port : undefined
}

/** A port that the container declares under a name. */
export function namedPort({ ports }: ContainerFacts, name: string): number | undefined {
  return portOf(String(ports.find((port) => port.name === name)?.port ?? ""))
}

/** What the pod says to Prometheus of its page; undefined where it names no port. */
export function scrapeNotes({
  annotations,
}: PodFacts): { readonly port: number; readonly path: string } | undefined {
  const port = portOf(annotations.get("prometheus.io/port"))
  return port === undefined ? undefined : { port, path: annotations.get("prometheus.io/path") ?? "/metrics" }
}
