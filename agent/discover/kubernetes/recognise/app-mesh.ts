import type { ProxyHint } from "#mesh/proxy.ts"
import type { ContainerFacts } from "../pod.ts"
import { namedPort, portOf, type Recognise } from "./found.ts"

/** Who the Envoy is, in the order in which App Mesh's image looks. */
const IDENTITY = ["APPMESH_RESOURCE_ARN", "APPMESH_RESOURCE_NAME", "APPMESH_VIRTUAL_NODE_NAME"] as const
const DEFAULT_PORT = 9901
/** `mesh/<m>[@owner]/virtualNode/<n>`, or that at the end of an ARN. A name has 255 characters at most. */
const RESOURCE =
  /^(?:arn:[^:]{0,64}:appmesh[^:]{0,64}:[^:]{0,64}:[^:]{0,64}:)?mesh\/([^/]{1,300})\/(virtualNode|virtualGateway)\/([^/]{1,255})$/

/** App Mesh's Envoy, sidecar or gateway: its controller writes who it is into the container's environment. */
export const appMesh: Recognise = (_pod, container) => {
  const { env } = container
  const said = IDENTITY.find((name) => env.has(name))
  if (said === undefined) return undefined
  const hint = hintOf(env.get(said))
  const port = portOf(env.get("ENVOY_ADMIN_ACCESS_PORT")) ?? namedPort(container, "stats") ?? DEFAULT_PORT
  const found = { port, fourOnly: !listensOnSix(env), ...(hint === undefined ? {} : { hint }) }
  if (env.get("ENVOY_ADMIN_MODE")?.toLowerCase() !== "uds") return found
  // The socket is a file inside of the container.
  return { ...found, serves: { kind: "nothing" }, ...(hint === undefined ? { gaps: ["identity"] } : {}) }
}

function hintOf(value: string | undefined): ProxyHint | undefined {
  const [, mesh = "", kind, resource = ""] = RESOURCE.exec(value ?? "") ?? []
  if (value === undefined || kind === undefined) return undefined
  return {
    nodeId: value,
    flavor: "app-mesh",
    mesh: mesh.split("@")[0] ?? mesh,
    role: kind === "virtualGateway" ? "gateway" : "sidecar",
    resource,
  }
}

const listensOnSix = (env: ContainerFacts["env"]): boolean =>
  /^(?:1|true)$/i.test(env.get("ENVOY_ADMIN_ACCESS_ENABLE_IPV6") ?? "")
