import { makeAwsClientHolder } from "../publish/aws/client-holder.ts"
import { cloudWatchClient } from "../publish/aws/sdk-clients.ts"
import { makeAwsSigner } from "../publish/aws/signing.ts"
import type { RequestSigner } from "../publish/http/push-client.ts"
import { apsSigning } from "../publish/remote-write/aps.ts"
import { makeRemoteWriteExport } from "../publish/remote-write/remote-write-export.ts"
import { makeRemoteWriteSink } from "../publish/remote-write/remote-write-sink.ts"
import { openDurable } from "./durable.ts"
import { type Configured, type Output, type OutputDeps, REMOTE_WRITE_STATE } from "./output.ts"
import { pushSecrets } from "./secrets.ts"

/** Every series to what takes Prometheus remote write, in order. */
export function remoteWrite(config: Configured<"remoteWrite">, deps: OutputDeps): Output {
  const { clock, snapshot, ledger, version, agentId } = deps
  const durable = openDurable(
    {
      name: "remoteWrite",
      what: "Metrics",
      target: new URL(config.url).origin,
      sink: () =>
        makeRemoteWriteSink(
          { url: config.url, version, ...pushSecrets(config, deps), signer: signerOf(config, deps) },
          { clock },
        ),
      delivery: { timeoutMs: config.timeout, ordered: true },
    },
    deps,
  )
  const exported = makeRemoteWriteExport(
    { labels: { ...config.labels, agent: agentId }, maxSamples: config.maxSamplesPerSend },
    { snapshot, clock, outbox: durable.outbox, restored: ledger.restored(REMOTE_WRITE_STATE) },
  )
  ledger.join({ key: REMOTE_WRITE_STATE, save: () => exported.state.save() })
  return { ...durable, tick: { everyMs: config.interval, run: () => exported.tick() } }
}

/** Amazon Managed Prometheus wants signatures, with credentials as any client of the SDK finds them. */
function signerOf(
  { url, sigv4 }: Configured<"remoteWrite">,
  { clock }: OutputDeps,
): RequestSigner | undefined {
  const signing = apsSigning(url, sigv4)
  if (signing === undefined) return undefined
  const sdk = makeAwsClientHolder(cloudWatchClient)
  return makeAwsSigner(signing, { sdk, now: () => clock.now() })
}
