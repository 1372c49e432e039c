import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { parseAllDocuments, parseDocument } from "yaml"
import { checkConfiguration, problemText } from "#mesh/configuration.ts"
import { agentSchema } from "../../agent/config/schema.ts"

/** What the pages show of an agent's configuration is one that an agent takes. */
const ROOT = join(import.meta.dirname, "../..")
const PAGES = ["README.md", ...globSync("docs/**/*.md", { cwd: ROOT })].filter(
  // Made from the schema, and tested with it.
  (page) => page !== "docs/config.md",
)
const AGENT_KEYS = new Set(Object.keys(agentSchema.shape))

interface Snippet {
  readonly page: string
  readonly text: string
  readonly inline: boolean
}

const SNIPPETS: readonly Snippet[] = PAGES.flatMap((page) => {
  const text = readFileSync(join(ROOT, page), "utf8")
  const blocks = [...text.matchAll(/```ya?ml\n([\s\S]*?)```/g)].map(([, body = ""]) => body)
  const rest = text.replaceAll(/```[\s\S]*?```/g, "")
  // `receive: {xray: {}}` within a sentence.
  const inline = [...rest.matchAll(/`((?:receive|publish|spans): \{[^`]*\})`/g)].map(([, body = ""]) => body)
  const all = [blocks, inline]
  return all.flatMap((bodies) => bodies.map((body) => ({ page, text: body, inline: bodies === inline })))
})

function keysOf(text: string): readonly string[] {
  const value: unknown = parseDocument(text).toJS()
  return typeof value === "object" && value !== null ? Object.keys(value) : []
}
const isAgents = ({ text }: Snippet): boolean => {
  const keys = keysOf(text)
  return keys.length > 0 && keys.every((key) => AGENT_KEYS.has(key))
}

test("there are snippets to look at", () => {
  expect(SNIPPETS.filter(isAgents).length).toBeGreaterThan(6)
})

test.each(SNIPPETS.filter(({ inline }) => !inline))("$page: a block is YAML\n$text", ({ text }) => {
  expect(parseAllDocuments(text).flatMap(({ errors }) => errors)).toEqual([])
})

test.each(SNIPPETS.filter(isAgents))("$page: an agent takes\n$text", ({ page, text, inline }) => {
  const keys = keysOf(text)
  const rest = [
    keys.includes("discover") ? "" : "discover: { static: { file: targets.yaml } }\n",
    // A section in a sentence stands for itself: spans that go nowhere are no matter here.
    inline && !keys.includes("publish") && /xray|zipkin|otlp|spans/.test(text)
      ? "publish: { zipkin: { endpoint: 'http://zipkin:9411' } }\n"
      : "",
    (inline || keys.includes("publish")) &&
    !keys.includes("receive") &&
    /xray|zipkin|otlpTraces|spans/.test(text)
      ? "receive: { otlp: {} }\n"
      : "",
  ]
  const checked = checkConfiguration(agentSchema, { file: page, text: `${rest.join("")}${text}`, env: {} })
  expect(checked.ok ? [] : checked.problems.map(problemText)).toEqual([])
})
