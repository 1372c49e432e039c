import * as fc from "fast-check"
import { describe, expect, test } from "vitest"
import { isGroupTemplate, isStreamTemplate, logGroupName, logStreamName } from "#mesh/cloudwatch/log-names.ts"
import { cloudWatchLogsSchema } from "../../agent/config/cloudwatch-logs-schema.ts"

type Parsed = ReturnType<typeof cloudWatchLogsSchema.safeParse>
const plainIssues = ({ error }: Parsed): string =>
  (error?.issues ?? []).map(({ path, message }) => `${path.join(".")}: ${message}`).join("\n")

const NAMES = { mesh: "yelb", flavor: "app-mesh", cluster: "prod", role: "sidecar", resource: "ui" }

test("names from templates", () => {
  expect(logGroupName("/meshscope/{mesh}/access", NAMES)).toBe("/meshscope/yelb/access")
  expect(logGroupName("{cluster}/{mesh}/{flavor}/{role}.{resource}", NAMES)).toBe(
    "prod/yelb/app-mesh/sidecar.ui",
  )
  expect(logGroupName("/x/{cluster}", { ...NAMES, cluster: "" })).toBe("/x/none")
  expect(logStreamName("{agent}", { agent: "ip-10-0-0-1.ec2.internal" })).toBe("ip-10-0-0-1.ec2.internal")
  expect(logStreamName("[{agent}]", { agent: "a:b*c é" })).toBe("[a_b_c_]")
})

test("no name of a mesh breaks a group's name or leaves its place in it", () => {
  fc.assert(
    fc.property(fc.string({ unit: "binary", maxLength: 1000 }), (mesh) => {
      const name = logGroupName("/meshscope/{mesh}/access", { ...NAMES, mesh })
      expect(name).toMatch(/^[\w\-/.#]{1,512}$/)
      expect(name.startsWith("/meshscope/")).toBe(true)
      expect(name.length === 512 || name.split("/").length === 4).toBe(true)
      expect(logStreamName("{agent}", { agent: mesh })).toMatch(/^[^:*]{1,512}$/)
    }),
  )
  expect(logGroupName("/m/{mesh}/a", { ...NAMES, mesh: "../../aws/lambda/x" })).toBe(
    "/m/.._.._aws_lambda_x/a",
  )
  expect(logGroupName("/m/{mesh}", { ...NAMES, mesh: "{resource}" })).toBe("/m/_resource_")
})

const long = (end: string): string => logGroupName("{mesh}", { ...NAMES, mesh: "x".repeat(600) + end })

test("names that are too long stay different", () => {
  expect(long("a")).toHaveLength(512)
  expect(long("a")).not.toBe(long("b"))
})

test.each([
  ["/meshscope/{mesh}/access", true],
  ["plain", true],
  ["", false],
  ["{nobody}", false],
  ["{mesh", false],
  ["a b", false],
  ["aws/mine", false],
  ["/aws/mine", true],
  ["x".repeat(513), false],
])("group template %j: %s", (text, good) => {
  expect(isGroupTemplate(text)).toBe(good)
})

test("stream templates", () => {
  expect([isStreamTemplate("{agent}"), isStreamTemplate("{mesh}"), isStreamTemplate("a:b")]).toEqual([
    true,
    false,
    false,
  ])
})

describe("configuration", () => {
  test("works without a word", () => {
    expect(cloudWatchLogsSchema.parse({})).toEqual({
      group: "/meshscope/{mesh}/access",
      stream: "{agent}",
      create: true,
      retentionDays: 30,
      class: "STANDARD",
      healthChecks: "drop",
      sample2xx: 1,
      query: "drop",
    })
    expect(cloudWatchLogsSchema.parse({ retentionDays: "never" }).retentionDays).toBe("never")
  })

  test.each([
    [
      { group: "/x/{pod}" },
      "group: expects letters, digits and _ - / . # (not aws/ at its beginning), with {mesh}",
    ],
    [{ stream: "a:b" }, "stream: expects letters, digits and _ - / . # @ [ ] = +, with {agent}"],
    [{ retentionDays: 13 }, "retentionDays: expects never or one of 1, 3, 5, 7, 14, 30"],
    [{ retentionDays: "30 days" }, "retentionDays: expects never or one of"],
    [{ sample2xx: 10 }, "sample2xx: expects a share from 0 to 1"],
    [{ sample2xx: "10%" }, "sample2xx: expects a share from 0 to 1"],
    [{ class: "CHEAP" }, "class: "],
    [{ healthChecks: true }, "healthChecks: "],
    [{ query: "hash" }, "query: "],
    [{ retention: 30 }, "Unrecognized key"],
  ])("%j is refused: %s", (value, message) => {
    expect(plainIssues(cloudWatchLogsSchema.safeParse(value))).toContain(message)
  })
})
