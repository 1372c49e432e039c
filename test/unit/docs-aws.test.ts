import { globSync, readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import * as z from "zod"

/** The page on AWS says what rights each output needs; what the code asks of AWS says the same. */
const ROOT = join(import.meta.dirname, "../..")
const PAGE = readFileSync(join(ROOT, "docs/aws.md"), "utf8")
const source = (pattern: string): string =>
  globSync(pattern, { cwd: ROOT })
    .map((file) => readFileSync(join(ROOT, file), "utf8"))
    .join("\n")

const statement = z.strictObject({
  Effect: z.literal("Allow"),
  Action: z.array(z.string()),
  Resource: z.union([z.literal("*"), z.string().regex(/^arn:aws:/), z.array(z.string().regex(/^arn:aws:/))]),
})

/** Section -> its statement. */
const STATEMENTS = new Map(
  PAGE.split(/^### /m)
    .slice(1)
    .flatMap((section) => {
      const json = /```json\n([\s\S]*?)```/.exec(section)?.[1]
      const name = section.slice(0, section.indexOf("\n"))
      return json === undefined ? [] : [[name, statement.parse(JSON.parse(json))] as const]
    }),
)

/** Commands of the SDK that a folder of outputs makes, as actions: `logs:PutLogEvents`. */
function commands(folder: string, service: string): string[] {
  const made = source(`agent/publish/${folder}/*.ts`).matchAll(/new (\w+)Command\(/g)
  return [...new Set([...made].map(([, name]) => `${service}:${name}`))].toSorted()
}

/** Paths that are signed for others, and the actions behind them (docs.aws.amazon.com/xray/latest/api). */
const PATH_ACTIONS: Readonly<Record<string, string>> = {
  "/GetSamplingRules": "xray:GetSamplingRules",
  "/SamplingTargets": "xray:GetSamplingTargets",
  "/SamplingStatisticSummaries": "xray:GetSamplingStatisticSummaries",
}
/** Requests that no command of the SDK makes: the service that they are signed for, with what it asks for. */
const SIGNED: readonly (readonly [
  section: string,
  file: string,
  service: string,
  actions: readonly string[],
])[] = [
  [
    "publish.cloudwatchOtlp",
    "cloudwatch-otlp/cloudwatch-otlp.ts",
    "monitoring",
    ["cloudwatch:PutMetricData"],
  ],
  ["publish.otlpTraces", "otlp-traces/traces-sink.ts", "xray", ["xray:PutSpans", "xray:PutSpansForIndexing"]],
  ["publish.remoteWrite", "remote-write/aps.ts", "aps", ["aps:RemoteWrite"]],
]

const actionsOf = (section: string): string[] => (STATEMENTS.get(section)?.Action ?? []).toSorted()

describe("rights", () => {
  test.each([
    ["publish.cloudwatchLogs", "cloudwatch-logs", "logs"],
    ["publish.cloudwatchMetrics", "cloudwatch-logs", "logs"],
    ["publish.xray", "xray", "xray"],
  ])("of %s are those of its commands, no more and no less", (section, folder, service) => {
    expect(commands(folder, service)).not.toEqual([])
    expect(actionsOf(section)).toEqual(commands(folder, service))
  })

  test("no other output makes commands", () => {
    const made = source("agent/publish/*/*.ts").match(/new \w+Command\(/g) ?? []
    const known = source("agent/publish/{cloudwatch-logs,xray}/*.ts").match(/new \w+Command\(/g)
    expect(made).toHaveLength(known?.length ?? 0)
  })

  test("of receive.xray are those of the paths that it signs", () => {
    const list =
      /SAMPLING_PATHS = \[([^\]]*)\]/.exec(source("agent/collect/receive/xray-proxy.ts"))?.[1] ?? ""
    const paths = [...list.matchAll(/"([^"]+)"/g)].map(([, path = ""]) => path)
    expect(actionsOf("receive.xray")).toEqual(paths.map((path) => PATH_ACTIONS[path] ?? path).toSorted())
  })

  test.each(SIGNED)("of %s are those of what it signs", (section, file, service, actions) => {
    expect(source(`agent/publish/${file}`)).toContain(`service: "${service}"`)
    expect(actionsOf(section)).toEqual(actions.toSorted())
  })

  test("stand for nothing else, and each signature has its section", () => {
    expect(STATEMENTS.size).toBe(4 + SIGNED.length)
    const signed = source("agent/publish/*/*.ts").matchAll(/(?:makeAwsSigner\(|\? )\{ service: "(\w+)"/g)
    // Sampling calls are the fourth.
    expect([...signed].map(([, service = ""]) => service).toSorted()).toEqual(
      [...SIGNED.map(([, , service]) => service), "xray"].toSorted(),
    )
  })
})
