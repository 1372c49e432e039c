import { readFile } from "node:fs/promises"
import { dirname, resolve } from "node:path"
import * as z from "zod"
import { listenAddressSchema } from "#mesh/address.ts"
import { loadConfiguration } from "#mesh/configuration.ts"
import { configurationText } from "#mesh/configuration-text.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { byteSize, duration } from "#mesh/quantities.ts"
import { fileUnreadable } from "#mesh/system-reason.ts"
import type { ConfigurationSource } from "#mesh/written-document.ts"

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
      "File with the token that agents must send (`Authorization: Bearer`). Absent: anybody may send.",
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
  store: store.prefault({}).describe("What is kept, and where."),
  agents: agents.prefault({}).describe("Who reports."),
  intake: intake.prefault({}).describe("What is taken from the network."),
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
  const { tokenFile } = written.intake
  return {
    ...written,
    store: { ...written.store, ...(folder === undefined ? {} : { folder: absolute(folder) }) },
    intake: { ...written.intake, ...(tokenFile === undefined ? {} : { tokenFile: absolute(tokenFile) }) },
  }
}

/** From disk, or from a variable: `env:NAME`. @throws MeshscopeError FILE_UNREADABLE, CONFIG_* */
export async function readCollectorConfig(file: string, env: Environment): Promise<CollectorConfig> {
  return parseCollectorConfig({ file, text: await configurationText(file, env), env })
}

/** The token without the line break at its end. @throws MeshscopeError FILE_UNREADABLE, CONFIG_INVALID when it is empty */
export async function readToken(file: string): Promise<string> {
  const token = (await tokenText(file)).trim()
  if (token === "") throw new MeshscopeError("CONFIG_INVALID", `The token file ${file} is empty.`)
  return token
}

async function tokenText(file: string): Promise<string> {
  try {
    return await readFile(file, "utf8")
  } catch (cause) {
    throw fileUnreadable("The token file (setting intake.tokenFile)", file, cause)
  }
}
