import { mkdir, readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { z } from "zod"
import { type GoWork, moduleFolder } from "./go-module.ts"
import type { SchemaSource } from "./source.ts"

type Json = z.infer<typeof JSON_VALUE>
type JsonObject = Record<string, Json>

const JSON_VALUE = z.json()
const OPENAPI = z.object({ definitions: z.record(z.string(), z.record(z.string(), JSON_VALUE)) })
const KINDS = z.array(z.object({ group: z.string(), kind: z.string(), version: z.string() })).default([])

/** A number may stand for itself: `cpu: 1`. The OpenAPI file only says string. */
const QUANTITY = "io.k8s.apimachinery.pkg.api.resource.Quantity"

/** What the schemas refer to. */
const SHARED = "_definitions.json"

/** Writes the schemas of a Kubernetes version into a new folder, for `kubeconform -schema-location`. */
export async function obtainSchemas(
  { module, file }: SchemaSource,
  folder: string,
  { env, progress }: GoWork,
): Promise<void> {
  const source = await progress.step(`downloading ${module.module}`, {}, () => moduleFolder(module, env))
  const files = schemas(JSON.parse(await readFile(join(source, file), "utf8")))
  await mkdir(folder)
  for (const [name, schema] of Object.entries(files)) {
    await writeFile(join(folder, name), JSON.stringify(schema))
  }
}

/**
 * File name -> JSON schema: one for each kind of object (`deployment-apps-v1.json`) and one that these refer to. Fields
 * that are not named are errors.
 * @param openapi the `swagger.json` of a Kubernetes version
 * @throws ZodError when it is not one
 */
export function schemas(openapi: unknown): Record<string, JsonObject> {
  const { definitions } = OPENAPI.parse(openapi)
  const shared = strictAll(definitions)
  if (QUANTITY in shared) shared[QUANTITY] = stringOr("number")
  const files: Record<string, JsonObject> = { [SHARED]: { definitions: shared } }
  for (const definition of Object.values(shared)) {
    for (const { group, kind, version } of KINDS.parse(definition["x-kubernetes-group-version-kind"])) {
      files[fileName(group, kind, version)] = {
        ...definition,
        allOf: [{ properties: { kind: { const: kind } } }],
      }
    }
  }
  return files
}

/** As kubeconform's `{{.ResourceKind}}{{.KindSuffix}}` says it: a group without its domain. */
function fileName(group: string, kind: string, version: string): string {
  const words = [kind.toLowerCase(), group.split(".")[0] ?? "", version]
  return `${words.filter((word) => word !== "").join("-")}.json`
}

const stringOr = (type: string): JsonObject => ({ oneOf: [{ type: "string" }, { type }] })

const strictAll = (definitions: Record<string, JsonObject>): Record<string, JsonObject> =>
  Object.fromEntries(
    Object.entries(definitions).map(([name, definition]) => [name, strictObject(definition)]),
  )

function strict(node: Json): Json {
  if (Array.isArray(node)) return node.map(strict)
  return typeof node === "object" && node !== null ? strictObject(node) : node
}

/** A schema, or a map of schemas: a field may well be called `format` or `$ref`, but then it is an object. */
function strictObject(node: JsonObject): JsonObject {
  if (node["format"] === "int-or-string") return stringOr("integer")
  if (typeof node["$ref"] === "string") return { ...node, $ref: `${SHARED}${node["$ref"]}` }
  const result = Object.fromEntries(Object.entries(node).map(([key, value]) => [key, strict(value)]))
  const closed = "properties" in node && !("additionalProperties" in node)
  return closed ? { ...result, additionalProperties: false } : result
}
