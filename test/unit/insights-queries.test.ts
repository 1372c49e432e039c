import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { parse } from "yaml"
import { ANSWERED_BY, OUTCOMES } from "#mesh/outcome.ts"
import { REPORTERS } from "#mesh/resource.ts"
import { LINE_MEMBERS } from "../../agent/publish/lines/line-members.ts"
import { queriesTemplate, savedQueries } from "../../dashboards/insights/build.ts"

/** Words of the query language (docs.aws.amazon.com/AmazonCloudWatch/latest/logs/CWL_QuerySyntax.html) that we use. */
const LANGUAGE = new Set(
  "fields filter stats sort limit as by and or in not asc desc count count_distinct sum max pct latest bin ispresent".split(
    " ",
  ),
)
/** Set by CloudWatch Logs itself. */
const OWN = new Set(["@timestamp"])
/** Fields with few values, which a query may name. */
const VALUES: Readonly<Record<string, readonly string[]>> = {
  outcome: OUTCOMES,
  reporter: REPORTERS,
  answered_by: ANSWERED_BY,
  protocol: ["http", "http2", "grpc", "tcp"],
}

const code = (text: string): string => text.replaceAll(/^#.*$/gm, "")
const withoutTexts = (text: string): string => code(text).replaceAll(/"[^"]*"/g, '""')
const queries = savedQueries().map(({ name, text }) => [name, text] as const)

function unknownNames(text: string): string[] {
  const plain = withoutTexts(text)
  const made = new Set([...plain.matchAll(/\bas (\w+)/g)].map(([, name]) => name))
  const names = [...plain.matchAll(/(?<!\w)@?[a-z_]\w*/gi)].map(([name]) => name)
  return names.filter(
    (name) => !(name in LINE_MEMBERS || LANGUAGE.has(name) || OWN.has(name) || made.has(name)),
  )
}

function unknownValues(text: string): string[] {
  return [...code(text).matchAll(/(\w+) (?:!?=|in) (?:"([^"]*)"|\[([^\]]*)\])/g)].flatMap(
    ([, field, one, list]) => {
      const known = VALUES[field ?? ""]
      const values = one === undefined ? (list ?? "").replaceAll('"', "").split(", ") : [one]
      return known === undefined ? [] : values.filter((value) => !known.includes(value))
    },
  )
}

test("what is asked for is there", () => {
  expect(queries.map(([name]) => name)).toEqual([
    "failing-routes",
    "flags-by-node",
    "hidden-retries",
    "one-request",
    "slowest-routes",
    "when-it-began",
  ])
})

test.each(queries)("%s asks for fields and values that lines have", (_, text) => {
  expect(unknownNames(text)).toEqual([])
  expect(unknownValues(text)).toEqual([])
})

test.each(queries)("%s says what it is for, and is no longer than a saved query may be", (_, text) => {
  expect(text).toMatch(/^# \S/)
  // AWS::Logs::QueryDefinition: 1 to 10,000 characters.
  expect(text.length).toBeLessThan(10_000)
})

test("the check sees a wrong name and a wrong value", () => {
  expect(unknownNames('filter outcome = "x" | stats count(*) as n by virtual_nodes | sort n desc')).toEqual([
    "virtual_nodes",
  ])
  expect(unknownValues('filter outcome = "failed" and reporter in ["source", "target"]')).toEqual([
    "failed",
    "target",
  ])
})

test("the template is the one that the queries make (node dashboards/insights/build.ts)", () => {
  const path = new URL("../../dashboards/insights/queries.yaml", import.meta.url)
  expect(readFileSync(path, "utf8")).toBe(queriesTemplate())
})

test("the template holds every query as it is", () => {
  const { Resources: resources, Parameters: parameters } = parse(queriesTemplate())
  expect(Object.keys(parameters)).toEqual(["LogGroups"])
  expect(Object.values(resources)).toEqual(
    queries.map(([name, QueryString]) => ({
      Type: "AWS::Logs::QueryDefinition",
      Properties: { Name: `meshscope/${name}`, LogGroupNames: { Ref: "LogGroups" }, QueryString },
    })),
  )
  expect(Object.keys(resources).every((id) => /^[A-Za-z0-9]{1,255}$/.test(id))).toBe(true)
})
