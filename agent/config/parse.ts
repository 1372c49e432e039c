import { dirname, resolve } from "node:path"
import type * as z from "zod"
import { loadConfiguration } from "#mesh/configuration.ts"
import type { ConfigurationSource } from "#mesh/written-document.ts"
import { absoluteEcs } from "./discover-ecs-schema.ts"
import { absoluteFiles, absoluteKubernetes } from "./discover-kubernetes-schema.ts"
import type { HeadersConfig, SecretReference } from "./header-schema.ts"
import type { PublishConfig } from "./publish-schema.ts"
import type { ReceiveConfig } from "./receive-schema.ts"
import { agentSchema } from "./schema.ts"
import type { TlsConfig } from "./tls-schema.ts"

type Written = z.output<typeof agentSchema>
/** What the agent runs by. Durations are milliseconds, sizes bytes, paths absolute. */
export type AgentConfig = Written & {
  readonly agent: { readonly id: string }
  readonly scrape: { readonly timeout: number }
  readonly model: { readonly publish: boolean }
}

/** How long a page may take where nothing is said and the interval leaves the time. */
const USUAL_TIMEOUT_MS = 5000

export interface AgentConfigSource extends ConfigurationSource {
  /** Stands for `agent.id` where none is given. */
  readonly hostName: string
}

/**
 * Reads the text of an agent's configuration. Pure: nothing but `source` is looked at.
 * Relative paths count from the folder of `source.file`.
 * @throws MeshscopeError CONFIG_* with every problem and its place
 */
export function parseAgentConfig(source: AgentConfigSource): AgentConfig {
  const written = loadConfiguration(agentSchema, source)
  const folder = dirname(source.file)
  const absolute = (path: string): string => resolve(folder, path)
  return {
    ...written,
    agent: {
      ...written.agent,
      id: written.agent.id ?? source.hostName,
      state: absolute(written.agent.state),
    },
    discover: absoluteDiscovery(written.discover, absolute),
    scrape: {
      ...written.scrape,
      timeout: written.scrape.timeout ?? Math.min(USUAL_TIMEOUT_MS, written.scrape.interval),
    },
    model: modelOf(written.model, absolute),
    receive: absoluteReceive(written.receive, absolute),
    publish: absolutePublish(written.publish, absolute),
  }
}

function modelOf(model: Written["model"], absolute: (path: string) => string): AgentConfig["model"] {
  const { files, collector, kubernetes } = model
  return {
    ...model,
    files: files.map(absolute),
    ...(collector === undefined ? {} : { collector: absoluteOutput(collector, absolute) }),
    ...(kubernetes === undefined
      ? {}
      : { kubernetes: { ...kubernetes, api: absoluteFiles(kubernetes.api, absolute) } }),
    publish: model.publish ?? collector === undefined,
  }
}

function absoluteDiscovery(
  discover: Written["discover"],
  absolute: (path: string) => string,
): Written["discover"] {
  const { kubernetes } = discover
  const others = {
    ...(discover.ecs === undefined ? {} : { ecs: absoluteEcs(discover.ecs, absolute) }),
    ...(kubernetes === undefined ? {} : { kubernetes: absoluteKubernetes(kubernetes, absolute) }),
  }
  if (discover.static === undefined) return { ...discover, ...others }
  const { file, targets, interval } = discover.static
  return {
    ...discover,
    ...others,
    static: {
      interval,
      ...(file === undefined ? {} : { file: absolute(file) }),
      ...(targets === undefined
        ? {}
        : {
            targets: targets.map(({ logs, ...target }) =>
              Object.assign(target, { logs: logs.map(absolute) }),
            ),
          }),
    },
  }
}

function absoluteReceive(receive: ReceiveConfig, absolute: (path: string) => string): ReceiveConfig {
  const { forward } = receive
  if (forward === undefined) return receive
  const { socket, sharedKey } = forward
  return {
    ...receive,
    forward: {
      ...forward,
      ...(socket === undefined ? {} : { socket: absolute(socket) }),
      ...(sharedKey === undefined ? {} : { sharedKey: absoluteReference(sharedKey, absolute) }),
    },
  }
}

function absolutePublish(publish: PublishConfig, absolute: (path: string) => string): PublishConfig {
  const { otlp, remoteWrite, zipkin, otlpTraces, splunk } = publish
  return {
    ...publish,
    ...(otlp === undefined ? {} : { otlp: absoluteOutput(otlp, absolute) }),
    ...(remoteWrite === undefined ? {} : { remoteWrite: absoluteOutput(remoteWrite, absolute) }),
    ...(zipkin === undefined ? {} : { zipkin: absoluteOutput(zipkin, absolute) }),
    ...(otlpTraces === undefined ? {} : { otlpTraces: absoluteOutput(otlpTraces, absolute) }),
    ...(splunk === undefined
      ? {}
      : {
          splunk: {
            ...splunk,
            token: absoluteReference(splunk.token, absolute),
            tls: absoluteTls(splunk.tls, absolute),
          },
        }),
  }
}

/** The files that an output names: secrets and certificates. */
function absoluteOutput<Output extends { readonly headers: HeadersConfig; readonly tls?: TlsConfig }>(
  output: Output,
  absolute: (path: string) => string,
): Output {
  const headers: HeadersConfig = Object.fromEntries(
    Object.entries(output.headers).map(([name, value]) => [name, absoluteSecret(value, absolute)]),
  )
  return {
    ...output,
    headers,
    ...(output.tls === undefined ? {} : { tls: absoluteTls(output.tls, absolute) }),
  }
}

function absoluteTls(tls: TlsConfig, absolute: (path: string) => string): TlsConfig {
  return Object.fromEntries(
    Object.entries(tls).flatMap(([name, file]) => (file === undefined ? [] : [[name, absolute(file)]])),
  )
}

function absoluteSecret(
  value: string | SecretReference,
  absolute: (path: string) => string,
): string | SecretReference {
  return typeof value === "string" ? value : absoluteReference(value, absolute)
}

function absoluteReference(value: SecretReference, absolute: (path: string) => string): SecretReference {
  return value.file === undefined ? value : { ...value, file: absolute(value.file) }
}
