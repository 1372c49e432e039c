import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test, vi } from "vitest"
import { parseAgentConfig } from "../../agent/config/parse.ts"
import { hindrances } from "../../agent/readiness.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"

let folder = ""
beforeEach(() => {
  folder = temporaryFolder()
  writeFileSync(join(folder, "none"), "")
  for (const name of ["AWS_REGION", "AWS_PROFILE"]) vi.stubEnv(name, undefined)
  for (const name of ["AWS_CONFIG_FILE", "AWS_SHARED_CREDENTIALS_FILE"])
    vi.stubEnv(name, join(folder, "none"))
})
afterEach(() => vi.unstubAllEnvs())

const LOGGED = [{ logs: ["/var/log/a"] }]

async function found(
  rest: string,
  {
    env = {},
    targets = LOGGED,
    state = "state",
  }: { env?: object; targets?: typeof LOGGED; state?: string } = {},
): Promise<string[]> {
  const text = `agent: { state: ${state} }\ndiscover: { static: { file: t.yaml } }\n${rest}`
  const config = parseAgentConfig({ file: join(folder, "agent.yaml"), text, env: {}, hostName: "h" })
  const all = await hindrances(config, { env: { ...env }, targets })
  return all.map(({ path, sentence }) => `${path.join(".")} ${sentence}`.replaceAll(folder, ""))
}

test("an agent that sends nothing to AWS and has no secrets can be started", async () => {
  expect(await found("publish: { otlp: { endpoint: 'http://h:1' } }")).toEqual([])
})

describe("AWS's region", () => {
  test.each([
    ["publish: { cloudwatchLogs: {} }", "publish.cloudwatchLogs"],
    ["publish: { cloudwatchMetrics: {}, xray: {} }\nreceive: { xray: {} }", "publish.cloudwatchMetrics"],
    ["publish: { otlpTraces: { cloudwatch: true } }\nreceive: { xray: {} }", "publish.otlpTraces"],
  ])("is missed where something goes there: %s", async (rest, at) => {
    const [one, ...more] = await found(rest)
    expect(one).toContain(`${at} goes to AWS. No AWS region is set: set AWS_REGION`)
    expect(more).toEqual([])
  })

  test("is found as the SDK finds it: in the environment, or in the profile", async () => {
    vi.stubEnv("AWS_REGION", "eu-central-1")
    expect(await found("publish: { cloudwatchOtlp: {} }")).toEqual([])
    vi.stubEnv("AWS_REGION", undefined)
    writeFileSync(join(folder, "config"), "[profile mesh]\nregion = eu-west-1\n")
    vi.stubEnv("AWS_CONFIG_FILE", join(folder, "config"))
    vi.stubEnv("AWS_PROFILE", "mesh")
    expect(await found("publish: { cloudwatchOtlp: {} }")).toEqual([])
  })
})

describe("secrets and certificates", () => {
  const OUTPUTS = [
    "publish:",
    "  remoteWrite: { url: 'http://h:1/w', headers: { x-a: { env: A } }, tls: { ca: ca.pem } }",
    "  splunk: { endpoint: 'https://h:1', token: { file: token }, lines: false, metrics: { index: m } }",
    "",
  ].join("\n")

  test("that cannot be read are named with their file or variable", async () => {
    expect(await found(OUTPUTS)).toEqual([
      "publish.remoteWrite.headers.x-a.env names the environment variable A, which is not set",
      "publish.remoteWrite.tls.ca names /ca.pem, which cannot be read: it does not exist",
      "publish.splunk.token.file names /token, which cannot be read: it does not exist",
    ])
  })

  test("that can be read are no matter", async () => {
    for (const name of ["ca.pem", "token"]) writeFileSync(join(folder, name), "x")
    expect(await found(OUTPUTS, { env: { A: "a" } })).toEqual([])
  })
})

test("what is made of access lines needs a target with a log", async () => {
  vi.stubEnv("AWS_REGION", "eu-central-1")
  const rest = "publish: { cloudwatchLogs: {}, xray: {} }\nspans: { fromLogs: true }"
  expect(await found(rest)).toEqual([])
  const none = await found(rest, { targets: [{ logs: [] }] })
  expect(none.map((text) => text.split(" needs ")[0])).toEqual(["publish.cloudwatchLogs", "spans.fromLogs"])
})

test("the folder of the state must not stand where a file does", async () => {
  expect(await found("", { state: "none/below" })).toEqual([
    "agent.state names /none/below, which cannot be written: a part of its path is a file, not a folder",
  ])
})

async function inPlace(rest: string, env: object): Promise<string[]> {
  const file = join(folder, "agent.yaml")
  const text = `agent: { state: state }\n${rest}`
  const config = parseAgentConfig({ file, text, env: {}, hostName: "h" })
  const all = await hindrances(config, { env: { ...env }, targets: LOGGED })
  return all.map(({ path, sentence }) => `${path.join(".")} ${sentence}`)
}

describe("Kubernetes", () => {
  const inPod = { KUBERNETES_SERVICE_HOST: "10.0.0.1", NODE_NAME: "n" }

  test.each([
    ["discover: { kubernetes: {} }", {}, /^discover\.kubernetes cannot work here: .*set NODE_NAME/],
    ["discover: { kubernetes: { nodeName: n } }", {}, /^discover\.kubernetes .*This is no pod/],
    [
      "discover: { static: { file: t.yaml } }\nmodel: { kubernetes: {} }",
      {},
      /^model\.kubernetes .*This is no pod/,
    ],
  ])("is missed outside of a pod: %s", async (rest, env, says) => {
    const all = await inPlace(rest, env)
    expect(all).toHaveLength(1)
    expect(all[0]).toMatch(says)
  })

  test("is there in a pod", async () => {
    expect(await inPlace("discover: { kubernetes: {} }\nmodel: { kubernetes: {} }", inPod)).toEqual([])
  })
})

test("the collector that tells the model: its secrets and certificates", async () => {
  const collector =
    "{ url: 'https://c:1', headers: { authorization: { file: /nowhere/t } }, tls: { ca: /nowhere/ca } }"
  expect(await found(`model: { collector: ${collector} }`)).toEqual([
    "model.collector.headers.authorization.file names /nowhere/t, which cannot be read: it does not exist",
    "model.collector.tls.ca names /nowhere/ca, which cannot be read: it does not exist",
  ])
})
