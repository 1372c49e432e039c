import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { KubeAccessSettings } from "./access-schema.ts"

/** Where an API server is, and who we are to it. Files are read anew before each request, since they are replaced. */
export interface KubeAccess {
  /** `https://10.96.0.1:443`, without a slash at its end. */
  readonly server: string
  /** Begins sentences about it. Default: `The Kubernetes API server`. */
  readonly called?: string
  /** Absolute path of a file with a bearer token. */
  readonly tokenFile?: string
  /** Absolute paths in PEM: whom to trust in place of the system's authorities, and our certificate. */
  readonly caFile?: string
  readonly certFile?: string
  readonly keyFile?: string
  /** The server's certificate is not looked at. */
  readonly insecure?: boolean
}

/** Where Kubernetes puts what a pod's service account is proved by. */
export const SERVICE_ACCOUNT = "/var/run/secrets/kubernetes.io/serviceaccount"

/**
 * The access by settings; what they leave open is what a pod is given. Token and authority of the pod's service account
 * go to the pod's own API server only, not to one that was named.
 * @param settings with absolute paths
 * @throws MeshscopeError CONFIG_ENV_MISSING when no server is named and this is no pod
 */
export function kubeAccess(settings: KubeAccessSettings, env: Environment): KubeAccess {
  const { server, ...files } = settings
  const given: Omit<KubeAccess, "server"> = Object.fromEntries(
    Object.entries(files).filter(([, file]) => file !== undefined),
  )
  if (server !== undefined) return { server, ...given }
  return {
    server: ownServer(env),
    tokenFile: `${SERVICE_ACCOUNT}/token`,
    caFile: `${SERVICE_ACCOUNT}/ca.crt`,
    ...given,
  }
}

function ownServer(env: Environment): string {
  const host = own(env, "KUBERNETES_SERVICE_HOST")
  const port = own(env, "KUBERNETES_SERVICE_PORT") ?? "443"
  if (host !== undefined) return `https://${host.includes(":") ? `[${host}]` : host}:${port}`
  const sentence =
    "This is no pod (KUBERNETES_SERVICE_HOST is not set), so the Kubernetes API server must be named: set api.server, with tokenFile and caFile."
  throw new MeshscopeError("CONFIG_ENV_MISSING", sentence)
}

function own(env: Environment, name: string): string | undefined {
  const value = Object.hasOwn(env, name) ? env[name] : undefined
  return value === "" ? undefined : value
}
