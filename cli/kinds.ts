import { isMap, isScalar, parseAllDocuments, parseDocument } from "yaml"
import type * as z from "zod"
import { jsonSchema } from "#mesh/configuration.ts"
import type { JsonSchema } from "#mesh/configuration-issue.ts"
import { targetsFileSchema } from "#mesh/targets.ts"
import { agentSchema } from "../agent/config/schema.ts"
import { type Arguments, UsageError } from "./command.ts"

/** The kinds of configuration files. */
export const KINDS = ["agent", "collector", "targets"] as const
export type ConfigKind = (typeof KINDS)[number]

/** The kind that a user names by `--kind`; undefined where none is named. */
export function askedKind({ values }: Pick<Arguments, "values">): ConfigKind | undefined {
  const name = values.get("kind")
  if (name === undefined) return undefined
  const found = KINDS.find((kind) => kind === name)
  if (found === undefined)
    throw new UsageError(`"${name}" is not a kind; expects one of ${KINDS.join(", ")}.`)
  return found
}

/** The schema of a kind. The collector's is loaded late: an agent's commands need none of it. */
export async function schemaOf(kind: ConfigKind): Promise<z.ZodType> {
  if (kind === "targets") return targetsFileSchema
  return kind === "agent" ? agentSchema : (await import("../collector/config.ts")).collectorSchema
}

/** JSON schema of a kind. */
export async function jsonSchemaOf(kind: ConfigKind): Promise<JsonSchema> {
  return jsonSchema(await schemaOf(kind))
}

/**
 * Keys of answers of the App Mesh API, one resource or a list, and of a snapshot of them; of CloudFormation's templates
 * and of Terraform's state.
 */
const MODEL_KEY =
  /^(?:mesh(?:es)?|(?:virtualNode|virtualService|virtualRouter|virtualGateway|gatewayRoute|route)s?|snapshot|Resources|terraform_version|format_version)$/

/** Whether a text is no configuration but declares a mesh: Kubernetes objects, or what `loadModel` reads beside them. */
export function isModelText(text: string): boolean {
  // No configuration is a list.
  if (/^\s*\[/.test(text)) return true
  const keys = parseAllDocuments(text).flatMap(({ contents }) => keysOf(contents))
  return keys.includes("apiVersion") || keys.some((key) => MODEL_KEY.test(key))
}

function keysOf(contents: unknown): readonly string[] {
  return isMap(contents) ? contents.items.map(({ key }) => (isScalar(key) ? String(key.value) : "")) : []
}

/** Whether a text is sound and has keys, of whatever kind. */
export function isMapping(text: string): boolean {
  const { contents, errors } = parseDocument(text)
  return errors.length === 0 && keysOf(contents).length > 0
}

/** The kind whose top-level keys fit a file best; undefined when none fits. */
export async function kindOfText(text: string): Promise<ConfigKind | undefined> {
  const keys = keysOf(parseDocument(text).contents)
  // Keys that only one kind has; without them, what fits best.
  if (keys.includes("discover")) return "agent"
  if (keys.includes("targets")) return "targets"
  const [agent = 0, collector = 0] = await Promise.all(
    (["agent", "collector"] as const).map(async (kind) => {
      const known = Object.keys((await jsonSchemaOf(kind)).properties ?? {})
      return keys.filter((key) => known.includes(key)).length
    }),
  )
  if (agent === 0 && collector === 0) return undefined
  return collector > agent ? "collector" : "agent"
}
