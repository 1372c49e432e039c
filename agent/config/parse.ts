import { dirname, resolve } from "node:path"
import type * as z from "zod"
import { loadConfiguration } from "#mesh/configuration.ts"
import type { ConfigurationSource } from "#mesh/written-document.ts"
import type { HeadersConfig, SecretReference } from "./header-schema.ts"
import { agentSchema } from "./schema.ts"

type Written = z.output<typeof agentSchema>
/** What the agent runs by. Durations are milliseconds, sizes bytes, paths absolute. */
export type AgentConfig = Written & {
  readonly agent: { readonly id: string }
  readonly scrape: { readonly timeout: number }
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
    discover: { static: absoluteDiscovery(written.discover.static, absolute) },
    scrape: {
      ...written.scrape,
      timeout: written.scrape.timeout ?? Math.min(USUAL_TIMEOUT_MS, written.scrape.interval),
    },
    model: { ...written.model, files: written.model.files.map(absolute) },
    publish: absolutePublish(written.publish, absolute),
  }
}

function absoluteDiscovery(
  { file, targets, interval }: Written["discover"]["static"],
  absolute: (path: string) => string,
): Written["discover"]["static"] {
  return {
    interval,
    ...(file === undefined ? {} : { file: absolute(file) }),
    ...(targets === undefined
      ? {}
      : { targets: targets.map((target) => ({ ...target, logs: target.logs.map(absolute) })) }),
  }
}

function absolutePublish(
  { prometheus, otlp }: Written["publish"],
  absolute: (path: string) => string,
): Written["publish"] {
  if (otlp === undefined) return { prometheus }
  const headers: HeadersConfig = Object.fromEntries(
    Object.entries(otlp.headers).map(([name, value]) => [name, absoluteSecret(value, absolute)]),
  )
  return { prometheus, otlp: { ...otlp, headers } }
}

function absoluteSecret(
  value: string | SecretReference,
  absolute: (path: string) => string,
): string | SecretReference {
  if (typeof value === "string" || value.file === undefined) return value
  return { ...value, file: absolute(value.file) }
}
