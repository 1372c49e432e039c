import type { ProxyHint } from "#mesh/proxy.ts"
import { portOf, type Recognise, scrapeNotes } from "./found.ts"

/** What an unnamed Envoy must be called to be taken for one. */
const CONTAINER = "envoy"

/** Containers that the configuration takes for Envoys: their names, and the ports of their admin interfaces. */
export type NamedContainers = Readonly<Record<string, number>>

/** Any other Envoy: a container that the configuration names, or one called `envoy` whose pod says where its page is. */
export function plain(named: NamedContainers): Recognise {
  return (pod, { name }) => {
    const known = Object.hasOwn(named, name) ? portOf(String(named[name])) : undefined
    if (known !== undefined) return { port: known }
    const notes = name === CONTAINER ? scrapeNotes(pod) : undefined
    // The admin interface has its page there. Another page is a listener for stats alone.
    if (notes?.path === "/stats/prometheus") return { port: notes.port }
    if (notes?.path !== "/metrics") return undefined
    const hint: ProxyHint = { flavor: "plain", resource: pod.owner?.name ?? pod.name }
    return { port: notes.port, serves: { kind: "prometheus", path: "/metrics" }, hint }
  }
}
