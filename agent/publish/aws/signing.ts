import type { PushRequest, RequestSigner } from "../http/push-client.ts"
import { type SdkSource, told } from "./endpoints.ts"
import { Sha256 } from "./sha256.ts"
import { awsAnswer } from "./signing-answer.ts"
import { answerTrouble } from "./trouble.ts"

export interface SigningConfig {
  /** Signing name: `monitoring`, `logs`, `xray`, `aps`. */
  readonly service: string
  /** Where it is not the SDK's own region. */
  readonly region?: string | undefined
}

export interface SigningDeps {
  /** Whose region and credentials are used, whatever service its client is for. */
  readonly sdk: SdkSource
  readonly now: () => number
}

/**
 * Signs with Signature Version 4 (docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv.html). The SDK renews
 * credentials before they expire; when an answer blames them all the same, they are looked for again before the next try.
 */
export function makeAwsSigner(config: SigningConfig, { sdk, now }: SigningDeps): RequestSigner {
  return {
    async sign(request) {
      try {
        const { SignatureV4 } = await import("@smithy/signature-v4")
        const found = (await sdk.client()).config
        const signer = new SignatureV4({
          service: config.service,
          region: config.region ?? (() => found.region()),
          credentials: () => found.credentials(),
          sha256: Sha256,
        })
        return (await signer.sign(signable(request), { signingDate: new Date(now()) })).headers
      } catch (error) {
        throw told(sdk, error)
      }
    },
    refused(status, headers, body) {
      const trouble = answerTrouble(awsAnswer(status, headers, body))
      sdk.noteTrouble(trouble)
      if (trouble.kind !== "retry") return undefined
      const { why, afterMs } = trouble
      return afterMs === undefined ? { why } : { why, afterMs }
    },
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
