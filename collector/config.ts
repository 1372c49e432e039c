import { dirname, resolve } from "node:path"
import * as z from "zod"
import type { KubeAccessSettings } from "#kubernetes/access-schema.ts"
import { listenAddressSchema } from "#mesh/address.ts"
import { loadConfiguration } from "#mesh/configuration.ts"
import { configurationText } from "#mesh/configuration-text.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { byteSize, duration } from "#mesh/quantities.ts"
import type { ConfigurationSource } from "#mesh/written-document.ts"
import { type ListenerTlsConfig, listenerTlsSchema, podIdentitySchema } from "./access/schema.ts"
import { type ModelConfig, modelSchema } from "./model/schema.ts"

const store = z.strictObject({
  folder: z
    .string()
    .min(1)
    .optional()
    .describe("Folder that holds a day of numbers over restarts. Absent: they live in memory alone."),
  step: duration({ min: "1s", max: "30s" })
    .refine((ms) => 60_000 % ms === 0, { error: "expects a duration of which a minute holds a whole number" })
    .prefault("15s")
    .describe("Finest step of time: 60 minutes are kept in it, a day in steps of a minute."),
  series: z.int().min(100).max(5_000_000).default(100_000).describe("Most series that are kept."),
})

const agents = z.strictObject({
  most: z.int().min(1).max(100_000).default(10_000).describe("Most agents that may report."),
  series: z.int().min(100).max(1_000_000).default(200_000).describe("Most series of one agent."),
  silentAfter: duration({ min: "2s", max: "1h" })
    .prefault("60s")
    .describe("An agent that sent nothing for so long is silent, and its proxies with it."),
  resend: duration({ min: "1s", max: "1h" })
    .prefault("5m")
    .describe(
      "How often an agent sends all its series, not only those that changed. Ours does so every 5 minutes; what is not sent again within twice this time is taken to be gone.",
    ),
})

const intake = z.strictObject({
  tokenFile: z
    .string()
    .min(1)
    .optional()
    .describe(
      "File with the token that agents must send (`Authorization: Bearer`), also to read the declared model; read again when it changes. With none of this, `tokenEnv` and `kubernetes`, anybody may send.",
    ),
  tokenEnv: z
    .string()
    .min(1)
    .optional()
    .describe("Environment variable with that token, where secrets come so, as on ECS."),
  kubernetes: podIdentitySchema
    .optional()
    .describe(
      "Agents that prove who they are by the token of their pod. Beside `tokenFile`, either is enough.",
    ),
  maxBodyBytes: byteSize({ min: "64KiB", max: "256MiB" }).prefault("16MiB").describe("Largest body as sent."),
  maxInflatedBytes: byteSize({ min: "64KiB", max: "1GiB" })
    .prefault("64MiB")
    .describe("Largest body after decompression."),
  maxConcurrent: z.int().min(1).max(1024).default(32).describe("Bodies that are read at one time."),
})

/** The collector's whole configuration. Durations become milliseconds, sizes bytes, addresses host and port. */
export const collectorSchema = z.strictObject({
  listen: listenAddressSchema()
    .prefault("127.0.0.1:4318")
    .describe(
      "Where OTLP, the API and the pages are served. Only this host can reach the default; write `0.0.0.0:4318` for agents elsewhere.",
    ),
  tls: listenerTlsSchema
    .optional()
    .describe("Certificates of the address above; read again when they change. Absent: no TLS."),
  store: store.prefault({}).describe("What is kept, and where."),
  agents: agents.prefault({}).describe("Who reports."),
  intake: intake.prefault({}).describe("What is taken from the network."),
  model: modelSchema
    .optional()
    .describe(
      "What the mesh was declared to be, and agents are told. Absent: agents know by themselves, or names come from the proxies alone.",
    ),
})

export type CollectorConfig = z.output<typeof collectorSchema>

/**
 * Reads the text of a collector's configuration. Pure; relative paths count from the folder of `source.file`.
 * @throws MeshscopeError CONFIG_* with every problem and its place
 */
export function parseCollectorConfig(source: ConfigurationSource): CollectorConfig {
  const written = loadConfiguration(collectorSchema, source)
  const absolute = (path: string): string => resolve(dirname(source.file), path)
  const { folder } = written.store
  const { tokenFile, kubernetes: pods } = written.intake
  const { tls, model } = written
  return {
    ...written,
    ...(tls === undefined ? {} : { tls: absoluteFiles(tls, absolute) }),
    store: { ...written.store, ...(folder === undefined ? {} : { folder: absolute(folder) }) },
    intake: {
      ...written.intake,
      ...(tokenFile === undefined ? {} : { tokenFile: absolute(tokenFile) }),
      ...(pods === undefined ? {} : { kubernetes: { ...pods, api: absoluteFiles(pods.api, absolute) } }),
    },
    ...(model === undefined ? {} : { model: absoluteModel(model, absolute) }),
  }
}

type Absolute = (path: string) => string

function absoluteModel(model: ModelConfig, absolute: Absolute): ModelConfig {
  const { files, kubernetes } = model
  return {
    ...model,
    files: files.map(absolute),
    ...(kubernetes === undefined
      ? {}
      : { kubernetes: { ...kubernetes, api: absoluteFiles(kubernetes.api, absolute) } }),
  }
}

/** Whatever is called a file. */
function absoluteFiles<Settings extends KubeAccessSettings | ListenerTlsConfig>(
  settings: Settings,
  absolute: Absolute,
): Settings {
  const files = Object.entries(settings).flatMap(([name, path]) =>
    name.endsWith("File") && typeof path === "string" ? [[name, absolute(path)]] : [],
  )
  return { ...settings, ...Object.fromEntries(files) }
}

/** From disk, or from a variable: `env:NAME`. @throws MeshscopeError FILE_UNREADABLE, CONFIG_* */
export async function readCollectorConfig(file: string, env: Environment): Promise<CollectorConfig> {
  return parseCollectorConfig({ file, text: await configurationText(file, env), env })
}
