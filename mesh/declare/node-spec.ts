import type { ActiveHealthCheck, DeclaredAccessLog, NodeListener, VirtualNode } from "../declared.ts"
import { optional } from "./match-spec.ts"
import { at, invalid, isThere, listAt, neededText, portAt, type Spot, textAt, wordAt } from "./spot.ts"

const PROTOCOLS = ["http", "http2", "grpc", "tcp"] as const

/** Listeners of a virtual node, gateway or router: `listeners[].portMapping` with an optional health check. */
export function listenersOf(spec: Spot): NodeListener[] {
  return listAt(spec, "listeners").map(listenerOf)
}

function listenerOf(listener: Spot): NodeListener {
  const mapping = at(listener, "portMapping")
  const port = portAt(mapping, "port")
  if (port === undefined) throw invalid(at(mapping, "port"), "is missing")
  const protocol = wordAt(mapping, PROTOCOLS, "protocol")
  if (protocol === undefined) throw invalid(at(mapping, "protocol"), "is missing")
  const healthCheck = healthCheckOf(at(listener, "healthCheck"), protocol)
  return { port, protocol, ...optional("healthCheck", healthCheck) }
}

function healthCheckOf(check: Spot, listener: NodeListener["protocol"]): ActiveHealthCheck | undefined {
  if (!isThere(check)) return undefined
  return {
    protocol: wordAt(check, PROTOCOLS, "protocol") ?? listener,
    ...optional("path", textAt(check, "path")),
    ...optional("port", portAt(check, "port")),
  }
}

/** `logging.accessLog.file`; undefined when the resource declares no access log (then its Envoys write none). */
export function accessLogOf(spec: Spot): DeclaredAccessLog | undefined {
  const file = at(spec, "logging", "accessLog", "file")
  if (!isThere(file)) return undefined
  return {
    path: neededText(file, "path"),
    ...optional("text", textAt(file, "format", "text")),
    ...optional("json", jsonFormat(at(file, "format", "json"))),
  }
}

/** App Mesh declares a JSON format as a list of `{ key, value }`. */
function jsonFormat(list: Spot): Readonly<Record<string, string>> | undefined {
  if (!isThere(list)) return undefined
  return Object.fromEntries(
    listAt(list).map((field) => [neededText(field, "key"), textAt(field, "value") ?? ""]),
  )
}

/** `serviceDiscovery`: by DNS name, or by a Cloud Map service (`<service>.<namespace>`). */
export function discoveryOf(spec: Spot): VirtualNode["discovery"] {
  const dns = at(spec, "serviceDiscovery", "dns")
  if (isThere(dns)) return { type: "dns", ...optional("hostname", textAt(dns, "hostname")) }
  const map = at(spec, "serviceDiscovery", "awsCloudMap")
  if (!isThere(map)) return undefined
  const service = textAt(map, "serviceName")
  const namespace = textAt(map, "namespaceName")
  return {
    type: "cloudmap",
    ...(service === undefined || namespace === undefined ? {} : { hostname: `${service}.${namespace}` }),
  }
}

/** `meshscope.dev/objective`: the share of requests that should not fail, between 0 and 1. */
export function objectiveOf(text: string | undefined, where: Spot): number | undefined {
  if (text === undefined) return undefined
  const share = /^0?\.\d+$/.test(text.trim()) ? Number(text) : Number.NaN
  if (!(share > 0 && share < 1))
    throw invalid(where, `must be a share between 0 and 1, such as 0.999, not ${text}`)
  return share
}
export const OBJECTIVE_KEY = "meshscope.dev/objective"
