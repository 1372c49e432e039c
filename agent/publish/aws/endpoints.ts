import type { AwsClientHolder } from "./client-holder.ts"
import { awsTrouble } from "./sdk-trouble.ts"

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

/** An SDK client, made when it is first asked for, and told what went wrong with its credentials. */
export type SdkSource = Pick<AwsClientHolder<{ readonly config: SdkConfig }>, "client" | "noteTrouble">

/**
 * Finds the address of `path` at the endpoint of the client's service, e.g.
 * `https://monitoring.eu-central-1.amazonaws.com/v1/metrics`. Rejects with a sentence on what to set.
 * @param path begins with a slash
 */
export function awsTarget(sdk: SdkSource, path: string): () => Promise<URL> {
  return async () => {
    try {
      return await addressOf((await sdk.client()).config, path)
    } catch (error) {
      throw told(sdk, error)
    }
  }
}

/** What the SDK threw, in words for the user. */
export function told(sdk: SdkSource, error: unknown): Error {
  const trouble = awsTrouble(error)
  sdk.noteTrouble(trouble)
  return new Error(trouble.why, { cause: error })
}

async function addressOf(config: SdkConfig, path: string): Promise<URL> {
  const { url } = config.endpointProvider({
    Region: await config.region(),
    UseFIPS: await config.useFipsEndpoint(),
    UseDualStack: await config.useDualstackEndpoint(),
    Endpoint: await customEndpoint(config),
  })
  return new URL(url.pathname.replace(/\/+$/, "") + path, url)
}

async function customEndpoint(config: SdkConfig): Promise<string | undefined> {
  if (config.isCustomEndpoint === true && config.endpoint !== undefined)
    return written(await config.endpoint())
  return config.ignoreConfiguredEndpointUrls === true ? undefined : config.serviceConfiguredEndpoint?.()
}

function written({ protocol, hostname, port, path }: EndpointParts): string {
  return `${protocol}//${hostname}${port === undefined ? "" : `:${port}`}${path}`
}
