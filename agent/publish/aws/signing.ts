import { MeshscopeError } from "#mesh/errors.ts"
import type { Headers, PushRequest, RequestSigner } from "../http/push-client.ts"
import { type AwsCredentials, once, regionOf, type SdkConfig, type SdkSource } from "./endpoints.ts"
import { Sha256 } from "./sha256.ts"
import { signingRefusal } from "./signing-refusal.ts"

export interface SigningConfig {
  /** Signing name: `monitoring`, `logs`, `xray`, `aps`. */
  readonly service: string
  /** Where it is not the SDK's own region. */
  readonly region?: string | undefined
  /** Whose region and credentials are used, whatever service the client is for. */
  readonly sdk: SdkSource
}

/**
 * Signs with Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html). The provider renews
 * credentials before they expire; when an answer blames them all the same, the next request asks for new ones.
 */
export function makeAwsSigner(config: SigningConfig, deps: { readonly now: () => number }): RequestSigner {
  let renew = false
  const credentials = async (): Promise<AwsCredentials> => {
    const found = await credentialsOf((await config.sdk()).config, renew)
    renew = false
    return found
  }
  const signer = once(async () => {
    const { SignatureV4 } = await import("@smithy/signature-v4")
    const region = config.region ?? (await regionOf((await config.sdk()).config))
    return new SignatureV4({ service: config.service, region, credentials, sha256: Sha256 })
  })
  return {
    async sign(request): Promise<Headers> {
      const made = await signer()
      return (await made.sign(signable(request), { signingDate: new Date(deps.now()) })).headers
    },
    refused(status, headers, body) {
      const refusal = signingRefusal(status, headers, body)
      if (refusal?.renew === true) renew = true
      return refusal?.why
    },
  }
}

async function credentialsOf(config: SdkConfig, forceRefresh: boolean): Promise<AwsCredentials> {
  try {
    return await config.credentials(forceRefresh ? { forceRefresh } : {})
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause)
    throw new MeshscopeError(
      "EXPORT_UNAVAILABLE",
      `No AWS credentials are found: give this process a role (task role, instance profile, service account), a profile, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY. ${why}`,
      { retryable: true, cause },
    )
  }
}

/** The request as the signer wants it. `host` is signed, so it is named here. */
function signable({ method, url, headers, body }: PushRequest) {
  const query: Record<string, string[]> = {}
  for (const name of new Set(url.searchParams.keys())) query[name] = url.searchParams.getAll(name)
  return {
    method,
    protocol: url.protocol,
    hostname: url.hostname,
    ...(url.port === "" ? {} : { port: Number(url.port) }),
    path: url.pathname,
    query,
    headers: { ...headers, host: url.host },
    body,
  }
}
