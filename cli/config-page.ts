import type { JsonSchema } from "#mesh/configuration-issue.ts"
import { type ConfigKind, jsonSchemaOf, KINDS } from "./kinds.ts"

const INTRODUCTION = `# Configuration

<!-- Made by scripts/docs.ts from the schemas. Do not edit. -->

A configuration is one YAML file. \`meshscope check FILE\` names every problem with its line and column.

- Durations are written \`500ms\`, \`15s\`, \`5m\`, \`1h30m\`, \`2d\`; sizes \`512B\`, \`64KiB\`, \`16MiB\`, \`1GiB\` (or \`KB\`, \`MB\`, \`GB\`).
- \`\${NAME}\` stands for an environment variable, \`\${NAME:-default}\` for one with a default (also taken when the variable is empty), \`$$\` for a dollar sign. Variables stand in values only, and cannot add keys. One that is not set and has no default is an error.
- Unknown keys are errors. A key without a value takes its default.
- Relative paths count from the folder of the file.
- \`meshscope config --schema\` prints the JSON schema for editors, \`meshscope config --config FILE\` what is in force with all defaults.
`

const TITLES: Readonly<Record<ConfigKind, string>> = {
  agent:
    "## Agent\n\nRun by `meshscope agent --config FILE`. Complete example: [agent.yaml](../examples/agent.yaml).\n",
  collector:
    "## Collector\n\nRun by `meshscope collector --config FILE`. Complete example: [collector.yaml](../examples/collector.yaml).\n",
  targets:
    "## Targets file\n\nNamed by `discover.static.file` of an agent; may change while the agent runs. Example: [targets.yaml](../examples/targets.yaml).\n",
}

/** Reference page of configuration files, made from their schemas. */
export async function configPage(kinds: readonly ConfigKind[] = KINDS): Promise<string> {
  const parts = await Promise.all(
    kinds.map(async (kind) => `${TITLES[kind]}\n${kindTables(await jsonSchemaOf(kind))}`),
  )
  return [INTRODUCTION, ...parts].join("\n")
}

interface Row {
  readonly path: string
  readonly schema: JsonSchema
  readonly required: boolean
}

/** One table per top-level section; settings at the top level share the first. */
function kindTables(schema: JsonSchema): string {
  const top = rowsOf(schema, "")
  const sections = top.filter(({ schema: part }) => part.properties !== undefined || part.items !== undefined)
  const single = top.filter((row) => !sections.includes(row))
  return [
    ...(single.length === 0 ? [] : [table(single)]),
    ...sections.map(({ path, schema: part }) => {
      const about = part.description === undefined ? "" : `${part.description}\n\n`
      return `### \`${path}\`\n\n${about}${table(leaves(part, path))}`
    }),
  ].join("\n")
}

function rowsOf(schema: JsonSchema, prefix: string): Row[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, part]) =>
    typeof part === "object"
      ? [
          {
            path: prefix === "" ? name : `${prefix}.${name}`,
            schema: part,
            required: schema.required?.includes(name) ?? false,
          },
        ]
      : [],
  )
}

/** Every setting below a section, sections within it spelled out. */
function leaves(schema: JsonSchema, prefix: string): Row[] {
  const entry = itemOf(schema)
  if (entry !== undefined) return leaves(entry, `${prefix}[]`)
  const rows: Row[] = []
  for (const row of rowsOf(schema, prefix)) {
    const below = rowsBelow(row)
    const named = below.length === 0 || itemOf(row.schema) !== undefined || isNamed(row.schema)
    if (named || (!row.required && row.schema.default === undefined)) rows.push(row)
    rows.push(...below)
  }
  return rows
}

function rowsBelow({ schema, path }: Row): Row[] {
  const item = itemOf(schema)
  if (item !== undefined) return leaves(item, `${path}[]`)
  const named = isNamed(schema) ? referenceOf(schema.additionalProperties) : undefined
  if (named !== undefined) return leaves(named, `${path}.NAME`)
  return schema.properties === undefined ? [] : leaves(schema, path)
}

/** Whether its keys are names that the user gives. */
function isNamed({ additionalProperties }: JsonSchema): boolean {
  return typeof additionalProperties === "object"
}

function itemOf({ items }: JsonSchema): JsonSchema | undefined {
  return typeof items === "object" && !Array.isArray(items) && items.properties !== undefined
    ? items
    : undefined
}

function referenceOf(schema: JsonSchema["additionalProperties"]): JsonSchema | undefined {
  if (typeof schema !== "object") return undefined
  if (schema.properties !== undefined) return schema
  const branch = schema.anyOf?.find((part) => typeof part === "object" && part.properties !== undefined)
  return typeof branch === "object" ? branch : undefined
}

function table(rows: readonly Row[]): string {
  const lines = rows.map(({ path, schema, required }) => {
    const cells = [`\`${path}\``, typeText(schema), defaultText(schema, required), schema.description ?? ""]
    return `| ${cells.map((cell) => cell.replaceAll("|", "\\|")).join(" | ")} |`
  })
  return `| Key | Type | Default | Meaning |\n|---|---|---|---|\n${lines.join("\n")}\n`
}

function typeText(schema: JsonSchema): string {
  if (schema.enum !== undefined) return schema.enum.map((value) => `\`${String(value)}\``).join(", ")
  if (schema.title !== undefined) return `${schema.title}${quantityBounds(schema)}`
  if (schema.anyOf !== undefined)
    return [...new Set(schema.anyOf.map((part) => (typeof part === "object" ? typeText(part) : "any")))].join(
      " or ",
    )
  switch (schema.type) {
    case "string":
      return "text"
    case "integer":
      return `whole number${numberBounds(schema)}`
    case "number":
      return `number${numberBounds(schema)}`
    case "boolean":
      return "`true`, `false`"
    case "array":
      return typeof schema.items === "object" && !Array.isArray(schema.items)
        ? `list of ${typeText(schema.items)}`
        : "list"
    case "object":
      return "mapping"
    case "null":
    case undefined:
      return "any"
  }
  return "any"
}

function quantityBounds(schema: JsonSchema): string {
  const [least, most] = [schema["x-least"], schema["x-most"]]
  return range(typeof least === "string" ? least : undefined, typeof most === "string" ? most : undefined)
}

function numberBounds({ minimum, maximum }: JsonSchema): string {
  return range(limitText(minimum), limitText(maximum))
}

/** zod writes the limits of whole numbers, which are no limits to a user. */
function limitText(limit: number | undefined): string | undefined {
  return limit === undefined || Math.abs(limit) >= Number.MAX_SAFE_INTEGER ? undefined : String(limit)
}

function range(least: string | undefined, most: string | undefined): string {
  if (least !== undefined && most !== undefined) return `, ${least} to ${most}`
  if (least !== undefined) return `, at least ${least}`
  return most === undefined ? "" : `, at most ${most}`
}

function defaultText(schema: JsonSchema, required: boolean): string {
  if (required) return "required"
  if (schema.default === undefined) return "–"
  return schema.default === ""
    ? "empty"
    : `\`${typeof schema.default === "string" ? schema.default : JSON.stringify(schema.default)}\``
}
