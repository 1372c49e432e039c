import { makeAwsClientHolder } from "../aws/client-holder.ts"
import { awsTarget, type SdkSource } from "../aws/endpoints.ts"
import { xrayClient } from "../aws/sdk-clients.ts"
import { makeAwsSigner } from "../aws/signing.ts"
import { makePushClient, type PushAnswer } from "../http/push-client.ts"

/** X-Ray's own HTTP API, for calls that others made and we only sign. */
export interface XrayUpstream {
  /**
   * POSTs `body` to `path` at the region's endpoint. Never rejects. `trouble` is what the caller has no part in: no region or
   * credentials, no way there, too many calls.
   */
  send(
    path: string,
    headers: Readonly<Record<string, string>>,
    body: Uint8Array,
    signal: AbortSignal,
  ): Promise<PushAnswer>
  stop(): Promise<void>
}

/** Sampling rules of an account are some hundred KB at most. */
const MAX_ANSWER_BYTES = 4 * 1024 * 1024
const CONNECTIONS = 4

/**
 * Region, credentials, partition, FIPS, dual-stack and endpoint overrides are those of the SDK's X-Ray client.
 * @param sdk other than the default for tests
 */
export function makeXrayUpstream(deps: { readonly now: () => number }, sdk?: SdkSource): XrayUpstream {
  const own = makeAwsClientHolder(xrayClient)
  const source = sdk ?? own
  const client = makePushClient({
    signer: makeAwsSigner({ service: "xray" }, { sdk: source, now: deps.now }),
    connections: CONNECTIONS,
    maxAnswerBytes: MAX_ANSWER_BYTES,
  })
  return {
    send: (path, headers, body, signal) =>
      client.send({ method: "POST", url: awsTarget(source, path), headers, body }, signal),
    async stop() {
      client.close()
      await own.stop()
    },
  }
}
