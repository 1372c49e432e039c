import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { parseDocument } from "yaml"
import { z } from "zod"
import type { JsonSchema } from "#mesh/configuration-issue.ts"
import { parseTargets } from "#mesh/targets.ts"
import { parseAgentConfig } from "../../agent/config/parse.ts"
import { configPage } from "../../cli/config-page.ts"
import { editorSchema } from "../../cli/editor-schema.ts"
import { type ConfigKind, jsonSchemaOf, kindOfText, schemaOf } from "../../cli/kinds.ts"
import { runProgram } from "../../cli/program.ts"
import { writtenConfig } from "../../cli/written-config.ts"
import { keptTerminal } from "./cli-terminal.ts"

const env = { TENANT: "yelb", KEY: "k" }
const example = (name: string): string =>
  readFileSync(new URL(`../../examples/${name}`, import.meta.url), "utf8")
const fixtures = new URL("../fixtures/config/", import.meta.url)
const parse = (text: string) => parseAgentConfig({ file: "/etc/m/a.yaml", text, env, hostName: "h" })

describe("an effective configuration", () => {
  test.each(readdirSync(fixtures).filter((name) => name.endsWith(".good.yaml")))(
    "of %s reads back to the same",
    async (name) => {
      const config = parse(readFileSync(new URL(name, fixtures), "utf8"))
      const written = writtenConfig(await jsonSchemaOf("agent"), config)
      expect(parse(written)).toEqual(config)
    },
  )

  test("keeps dollar signs and secrets' references", async () => {
    const text = `agent: { cluster: "a$$\${TENANT}$$$$b" }\n${readFileSync(new URL("secrets.good.yaml", fixtures), "utf8")}`
    const config = parse(text)
    expect(config.agent.cluster).toBe("a$yelb$$b")
    const written = writtenConfig(await jsonSchemaOf("agent"), config)
    expect(parse(written)).toEqual(config)
    expect(written).toContain("env: KEY")
  })

  test("is what the command prints", async () => {
    const { terminal, written } = keptTerminal()
    const path = new URL("../../examples/agent.yaml", import.meta.url).pathname
    expect(await runProgram(["config", "--config", path], terminal)).toBe("ok")
    expect(parse(written.out)).toEqual(
      parseAgentConfig({ file: path, text: example("agent.yaml"), env, hostName: "h" }),
    )
  })
})

describe("examples", () => {
  const rows: readonly [ConfigKind, string][] = [
    ["agent", "agent.yaml"],
    ["collector", "collector.yaml"],
    ["targets", "targets.yaml"],
  ]
  test.each(rows)("of the %s is taken, is told apart, and leaves nothing out", async (kind, name) => {
    const text = example(name)
    const { terminal, written } = keptTerminal()
    const path = new URL(`../../examples/${name}`, import.meta.url).pathname
    const exit = await runProgram(["check", path], terminal)
    // Its secrets, region and folder are not this machine's, which is told, and nothing else.
    const lines = written.error.split("\n").filter((line) => !line.startsWith("Well written, but here"))
    expect(
      lines.filter(
        (line) => !/^$|which cannot be (?:read|written): |is not set|No AWS region is set/.test(line),
      ),
    ).toEqual([])
    expect(exit).toBe("ok")
    expect(await kindOfText(text)).toBe(kind)
    const shown = parseDocument(text).toJS()
    const left = missing(await jsonSchemaOf(kind), shown, "")
    // What an example shows in one way only: the file in place of inline targets, one place of logs, one place of the instance, one reference per header, and the
    // certificates of one output.
    const shownElsewhere =
      /^(?:discover\.static\.targets|discover\.ecs\.(?:logs\.root|api\.metadata)|publish\.\w+\.tls(?:\..*)?|publish\.splunk\.token\.\w+|receive\.forward\.sharedKey\.\w+)$/
    expect(left.filter((path_) => !shownElsewhere.test(path_))).toEqual([])
  })

  test("agree with the defaults where they show one", async () => {
    const defaults = parse(
      'discover: { static: { file: targets.yaml } }\npublish: { otlp: { endpoint: "http://collector:4318" } }',
    )
    const shown = parse(example("agent.yaml"))
    const { collector: _collector, kubernetes: _kubernetes, ...model } = shown.model
    expect({
      ...shown.scrape,
      ...shown.logs,
      ...model,
      ...shown.count,
      ...shown.limits,
      ...shown.log,
      commit: shown.commit,
    }).toEqual({
      ...defaults.scrape,
      ...defaults.logs,
      ...defaults.model,
      ...defaults.count,
      ...defaults.limits,
      ...defaults.log,
      commit: defaults.commit,
    })
    expect({ ...shown.publish.otlp, headers: {} }).toEqual(defaults.publish.otlp)
    expect(parseTargets({ file: "t", text: example("targets.yaml"), env: {} })).toHaveLength(3)
  })
})

test("the smallest configuration, in the README, is taken", () => {
  const readme = readFileSync(new URL("../../README.md", import.meta.url), "utf8")
  const [, text = ""] = /```yaml\n([^`]*)```/.exec(readme) ?? []
  expect(parse(text)).toMatchObject({
    agent: { state: "/etc/m/state" },
    discover: { static: { targets: [{ name: "ui", logs: ["/var/log/envoy/access.log"] }] } },
    publish: { otlp: { endpoint: "http://127.0.0.1:4318" } },
  })
})

describe("schema and reference page", () => {
  test("every setting has a meaning", async () => {
    for (const kind of ["agent", "targets", "collector"] as const)
      expect(undescribed(await jsonSchemaOf(kind), kind)).toEqual([])
  })

  test("every setting is on the page", async () => {
    const page = await configPage(["agent"])
    for (const path of [
      "agent.id",
      "publish.otlp.headers.NAME.file",
      "discover.static.targets[].admin",
      "commit",
    ])
      expect(page).toContain(`| \`${path}\` |`)
  })

  test("the editor's schema takes references in place of numbers, and is printed by the command", async () => {
    const schema = editorSchema(
      z.toJSONSchema(z.strictObject({ n: z.int().min(1).default(3) }), { io: "input" }),
    )
    expect(schema.properties?.["n"]).toEqual({
      default: 3,
      anyOf: [
        expect.objectContaining({ type: "integer", minimum: 1 }),
        { type: "string", pattern: "\\$\\{[A-Za-z_]" },
      ],
    })
    const { terminal, written } = keptTerminal()
    expect(await runProgram(["config", "--schema"], terminal)).toBe("ok")
    expect(JSON.parse(written.out)).toMatchObject({ type: "object", additionalProperties: false })
  })

  test("unknown keys are refused everywhere", async () => {
    for (const kind of ["agent", "targets", "collector"] as const) {
      const schema = await schemaOf(kind)
      expect(schema.safeParse({ nonsense: 1 }).error?.issues.map(({ code }) => code)).toContain(
        "unrecognized_keys",
      )
    }
  })
})

/** Paths of settings that a document does not have. */
function missing(schema: JsonSchema, shown: unknown, path: string): string[] {
  return Object.entries(schema.properties ?? {}).flatMap(([name, part]) => {
    const below = path === "" ? name : `${path}.${name}`
    if (typeof shown !== "object" || shown === null || !Object.hasOwn(shown, name)) return [below]
    return typeof part === "object" ? missing(part, Reflect.get(shown, name), below) : []
  })
}

/** Paths of settings without a description. */
function undescribed(schema: JsonSchema, path: string): string[] {
  const found: string[] = []
  for (const [name, part] of Object.entries(schema.properties ?? {})) {
    if (typeof part !== "object") continue
    if (part.description === undefined) found.push(`${path}.${name}`)
    found.push(...undescribed(part, `${path}.${name}`))
  }
  return found
}
