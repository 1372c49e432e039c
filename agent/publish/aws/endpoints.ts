import { MeshscopeError } from "#mesh/errors.ts"

/** Keys as every credential provider of the SDK gives them. */
export interface AwsCredentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  readonly sessionToken?: string
  readonly expiration?: Date
}

/**
 * What we take from the resolved configuration of an SDK client, so that region, credentials, profile, partition, FIPS,
 * dual-stack and endpoint overrides are the SDK's own: `(await import("@aws-sdk/client-xray")).XRayClient` made with `{}`
 * has such a `config`.
 */
export interface SdkConfig {
  region(): Promise<string>
  credentials(identity?: Record<string, unknown>): Promise<AwsCredentials>
  useFipsEndpoint(): Promise<boolean | undefined>
  useDualstackEndpoint(): Promise<boolean | undefined>
  endpointProvider(params: EndpointParameters): { readonly url: URL }
  /** What the client was made with. */
  readonly endpoint?: (() => Promise<EndpointParts>) | undefined
  readonly isCustomEndpoint?: boolean | undefined
  /** `AWS_ENDPOINT_URL…` and `endpoint_url` of the profile. */
  readonly serviceConfiguredEndpoint?: (() => Promise<string | undefined>) | undefined
  readonly ignoreConfiguredEndpointUrls?: boolean | undefined
}

interface EndpointParameters {
  Region?: string | undefined
  UseFIPS?: boolean | undefined
  UseDualStack?: boolean | undefined
  Endpoint?: string | undefined
}

interface EndpointParts {
  readonly protocol: string
  readonly hostname: string
  readonly port?: number | undefined
  readonly path: string
}

/** Makes the client of a service when it is first needed: SDK packages take long to load. A rejection is tried again. */
export type SdkSource = () => Promise<{ readonly config: SdkConfig }>

/** `load` once; again after it failed. */
export function once<Loaded>(load: () => Promise<Loaded>): () => Promise<Loaded> {
  let loading: Promise<Loaded> | undefined
  return () => {
    loading ??= load().catch((error: unknown) => {
      loading = undefined
      throw error
    })
    return loading
  }
}

/**
 * The region that the SDK finds.
 * @throws MeshscopeError EXPORT_UNAVAILABLE, retryable, with what to set
 */
export async function regionOf(config: SdkConfig): Promise<string> {
  try {
    return await config.region()
  } catch (cause) {
    throw new MeshscopeError(
      "EXPORT_UNAVAILABLE",
      "No AWS region is known: set AWS_REGION, or region in the AWS profile.",
      { retryable: true, cause },
    )
  }
}

/**
 * Address of `path` at the service's endpoint, e.g. `https://monitoring.eu-central-1.amazonaws.com/v1/metrics`.
 * @param path begins with a slash
 * @throws MeshscopeError EXPORT_UNAVAILABLE, retryable: no region, or settings that exclude each other
 */
export async function addressOf(config: SdkConfig, path: string): Promise<URL> {
  const region = await regionOf(config)
  try {
    const { url } = config.endpointProvider({
      Region: region,
      UseFIPS: await config.useFipsEndpoint(),
      UseDualStack: await config.useDualstackEndpoint(),
      Endpoint: await customEndpoint(config),
    })
    return new URL(url.pathname.replace(/\/+$/, "") + path, url)
  } catch (cause) {
    throw new MeshscopeError(
      "EXPORT_UNAVAILABLE",
      `The AWS endpoint cannot be told: ${cause instanceof Error ? cause.message : String(cause)}`,
      { retryable: true, cause },
    )
  }
}

async function customEndpoint(config: SdkConfig): Promise<string | undefined> {
  if (config.isCustomEndpoint === true && config.endpoint !== undefined)
    return written(await config.endpoint())
  return config.ignoreConfiguredEndpointUrls === true ? undefined : config.serviceConfiguredEndpoint?.()
}

function written({ protocol, hostname, port, path }: EndpointParts): string {
  return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`
}
