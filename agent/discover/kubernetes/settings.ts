import { kubeAccess, SERVICE_ACCOUNT } from "#kubernetes/access.ts"
import type { KubeAccessSettings } from "#kubernetes/access-schema.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { KubernetesDiscoveryConfig, Namespaces } from "./config.ts"

/** `discover.kubernetes` as it is written, with absolute paths and durations in ms. */
export interface KubernetesSettings {
  readonly nodeName?: string | undefined
  readonly namespaces: Namespaces
  readonly labelSelector: string
  readonly containers: Readonly<Record<string, number>>
  readonly logs: string
  readonly api: KubeAccessSettings
  readonly kubelet?:
    | (Omit<KubeAccessSettings, "server"> & {
        readonly url: string
        readonly insecure: boolean
        readonly interval: number
      })
    | undefined
}

/**
 * The settings with what the environment of a pod tells: the node's name in `NODE_NAME`, the API server's address.
 * @throws MeshscopeError CONFIG_ENV_MISSING
 */
export function kubernetesConfig(settings: KubernetesSettings, env: Environment): KubernetesDiscoveryConfig {
  const { api, kubelet, nodeName, namespaces, labelSelector, containers, logs } = settings
  const rest = { nodeName: nodeName ?? ownNode(env), namespaces, labelSelector, containers, logs }
  if (kubelet === undefined) return { ...rest, from: { kind: "api", access: kubeAccess(api, env) } }
  const { url, insecure, interval, ...files } = kubelet
  const trusted = insecure ? {} : { caFile: `${SERVICE_ACCOUNT}/ca.crt` }
  const proof = files.certFile === undefined ? { tokenFile: `${SERVICE_ACCOUNT}/token` } : {}
  const access = { ...kubeAccess({ server: url, ...files }, env), called: "The kubelet" }
  return {
    ...rest,
    from: { kind: "kubelet", interval, access: { ...proof, ...trusted, ...access, insecure } },
  }
}

function ownNode(env: Environment): string {
  const name = Object.hasOwn(env, "NODE_NAME") ? env["NODE_NAME"] : undefined
  if (name !== undefined && name !== "") return name
  const sentence =
    "discover.kubernetes must know its node: set NODE_NAME from the field spec.nodeName of the agent's pod, or set nodeName."
  throw new MeshscopeError("CONFIG_ENV_MISSING", sentence)
}
