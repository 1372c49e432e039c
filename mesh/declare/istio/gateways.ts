import type { AppProtocol, GatewayRoute, NodeListener, VirtualGateway } from "../../declared.ts"
import { istioGateway } from "../../istio-names.ts"
import type { KubeObject, KubeObjects } from "../kube-objects.ts"
import { optional } from "../match-spec.ts"
import { at, invalid, listAt, neededText, portAt, type Spot, sentenceAt, textAt, textsAt } from "../spot.ts"

/** A gateway while its routes are found. */
export interface GatewayInMaking {
  readonly declared: Omit<VirtualGateway, "routes">
  readonly routes: GatewayRoute[]
}

/** Gateways of Istio and of the Gateway API, by `namespace/name`. */
export interface GatewaysInMaking {
  readonly istio: ReadonlyMap<string, GatewayInMaking>
  readonly api: ReadonlyMap<string, GatewayInMaking>
}

export function gatewaysOf(objects: KubeObjects): GatewaysInMaking {
  const names = new Set<string>()
  const read = (
    kind: "istio/Gateway" | "api/Gateway",
    one: (gateway: KubeObject) => GatewayInMaking | undefined,
  ) => {
    const found = new Map<string, GatewayInMaking>()
    for (const gateway of objects.of(kind)) {
      const making = objects.reading.attempt(() => one(gateway))
      if (making === undefined) continue
      const { name } = making.declared
      if (objects.reading.attempt(() => unique(names, name, gateway)) !== true) continue
      found.set(`${gateway.namespace}/${gateway.name}`, making)
    }
    return found
  }
  return {
    istio: read("istio/Gateway", ofIstio),
    api: read("api/Gateway", (gateway) => ofApi(objects, gateway)),
  }
}

/** Both kinds of Gateway are called alike. */
function unique(names: Set<string>, name: string, gateway: KubeObject): true {
  if (names.has(name)) throw invalid(gateway.object, `another Gateway is called ${name}`)
  names.add(name)
  return true
}

function made(
  gateway: KubeObject,
  listeners: readonly NodeListener[],
  labels: Readonly<Record<string, string>> | undefined,
): GatewayInMaking {
  const { nativeKind: kind, name, namespace } = gateway
  const byPort = new Map(listeners.map((listener) => [listener.port, listener]))
  return {
    declared: {
      name: istioGateway(name, namespace),
      native: { kind, name, namespace },
      ...optional("labels", gateway.labels),
      listeners: [...byPort.values()],
      ...optional("podSelector", labels === undefined ? undefined : { matchLabels: labels }),
    },
    routes: [],
  }
}

function ofIstio(gateway: KubeObject): GatewayInMaking {
  const listeners = listAt(gateway.spec, "servers").map((server) => {
    const port = at(server, "port")
    const passes = (textAt(server, "tls", "mode") ?? "").endsWith("PASSTHROUGH")
    return listenerOf(port, "number", passes ? "TLS" : neededText(port, "protocol"))
  })
  return made(gateway, listeners, textsAt(gateway.spec, "selector"))
}

/** The label that Istio puts on the pods that it makes for a Gateway. */
const OWN_LABEL = "gateway.networking.k8s.io/gateway-name"

/** Gateways of other makers are not of this mesh. */
function ofApi({ reading }: KubeObjects, gateway: KubeObject): GatewayInMaking | undefined {
  const spot = at(gateway.spec, "gatewayClassName")
  const name = neededText(spot)
  if (!name.startsWith("istio")) {
    reading.notes.add(sentenceAt(spot, `${name} is not Istio's; passed over`))
    return undefined
  }
  const listeners = listAt(gateway.spec, "listeners").flatMap((listener) => {
    const protocol = neededText(listener, "protocol")
    return protocol === "UDP" ? [] : [listenerOf(listener, "port", protocol)]
  })
  return made(gateway, listeners, { [OWN_LABEL]: gateway.name })
}

function listenerOf(spot: Spot, key: "number" | "port", protocol: string): NodeListener {
  const port = portAt(spot, key)
  if (port === undefined) throw invalid(at(spot, key), "is missing")
  return { port, protocol: spoken(protocol) }
}

/** HTTPS ends at the gateway, TLS passes through it. */
function spoken(protocol: string): AppProtocol {
  switch (protocol.toUpperCase()) {
    case "GRPC":
      return "grpc"
    case "HTTP2":
      return "http2"
    case "HTTP":
    case "HTTPS":
      return "http"
    default:
      return "tcp"
  }
}
