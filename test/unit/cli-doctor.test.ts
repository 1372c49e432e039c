import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { parse } from "yaml"
import type { DoctorReport } from "#mesh/doctor-report.ts"
import { FLAVORS } from "#mesh/resource.ts"
import { doctorText } from "../../cli/doctor.ts"
import { runProgram } from "../../cli/program.ts"
import { betterLog } from "../../mesh/better-log.ts"
import { keptTerminal } from "./cli-terminal.ts"

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "meshscope-doctor-"))
})
afterEach(() => rm(folder, { recursive: true }))

async function run(words: readonly string[], config: string, env: Record<string, string> = {}) {
  const file = join(folder, "config.yaml")
  await writeFile(file, config)
  const { terminal, written } = keptTerminal({ env })
  const exit = await runProgram([...words, "-c", file], terminal)
  return { exit, ...written }
}

const AGENT = `
agent: {id: n1, state: STATE}
discover: {static: {targets: [{name: shop-ui, admin: 127.0.0.1:1, logs: [/nowhere/ui.log]}]}}
publish: {otlp: {endpoint: "http://127.0.0.1:1", headers: {authorization: {env: MESH_TOKEN, prefix: "Bearer "}}}}
`

describe("an agent that nothing lets work", () => {
  test("hears of everything at once, what is missing first, and fails", async () => {
    const { exit, out } = await run(["doctor"], AGENT.replace("STATE", folder))
    expect(exit).toBe("failed")
    expect(out).toMatch(/^MISSING +configuration: publish\.otlp\.headers\.authorization\.env .*MESH_TOKEN/m)
    expect(out).toMatch(/^MISSING +proxies: shop-ui +.*127\.0\.0\.1:1 cannot be reached/m)
    expect(out).toMatch(/^MISSING +logs: shop-ui +\/nowhere\/ui\.log cannot be read: it does not exist\./m)
    expect(out).toMatch(/^MISSING +outputs: publish\.otlp +Nobody listens/m)
    expect(out.trimEnd().split("\n").at(-1)).toBe("Something is missing: 4 of 4 checks say so.")
  })

  test("the same as JSON", async () => {
    const { exit, out } = await run(["doctor", "--json"], AGENT.replace("STATE", folder))
    expect(exit).toBe("failed")
    const report: DoctorReport = JSON.parse(out)
    expect(report.ok).toBe(false)
    expect(report.checks.map(({ area, state }) => `${area} ${state}`)).toEqual([
      "configuration missing",
      "proxies missing",
      "logs missing",
      "outputs missing",
    ])
  })
})

test("an agent for a pod, outside of one, hears so once with everything else", async () => {
  const { exit, out } = await run(
    ["doctor"],
    `agent: {state: ${folder}}\ndiscover: {kubernetes: {nodeName: n}}\npublish: {otlp: {endpoint: "http://127.0.0.1:1"}}\n`,
  )
  expect(exit).toBe("failed")
  expect(out.match(/This is no pod/g)).toHaveLength(1)
  expect(out).toMatch(/^MISSING +outputs: publish\.otlp/m)
})

test("a collector: who may send, and files that are not there", async () => {
  const open = await run(["doctor"], "listen: 127.0.0.1:4318\n")
  expect(open.exit).toBe("ok")
  expect(open.out).toMatch(/^warning +configuration: intake +Anybody who reaches the collector may send/m)
  const closed = await run(["doctor", "--json"], "intake: {tokenFile: /nowhere/token}\n")
  expect(closed.exit).toBe("failed")
  expect(closed.out).toContain("/nowhere/token cannot be read: it does not exist")
})

test("a collector whose token should stand in a variable: whether it does", async () => {
  const config = "intake: {tokenEnv: MESH_TOKEN}\n"
  const without = await run(["doctor"], config, { MESH_TOKEN: " " })
  expect(without.exit).toBe("failed")
  expect(without.out).toMatch(
    /^MISSING +configuration: intake\.tokenEnv +The environment variable MESH_TOKEN holds no token\. Set it/m,
  )
  const set = await run(["doctor"], config, { MESH_TOKEN: "secret-word" })
  expect(set.exit).toBe("ok")
  expect(set.out).not.toContain("secret-word")
})

test("every receiver is tried, whatever its setting for the address is called", async () => {
  const config = `
agent: {state: ${folder}}
discover: {static: {targets: []}}
receive: {zipkin: {}}
publish:
  otlp: {endpoint: "http://127.0.0.1:1"}
  remoteWrite: {url: "http://127.0.0.1:1/api/v1/write"}
  zipkin: {endpoint: "http://127.0.0.1:1"}
  otlpTraces: {endpoint: "http://127.0.0.1:1"}
  splunk: {endpoint: "http://127.0.0.1:1", token: {env: TOKEN}}
`
  const { out } = await run(["doctor", "--json"], config, { TOKEN: "t" })
  const report: DoctorReport = JSON.parse(out)
  const tried = report.checks.filter(({ area }) => area === "outputs")
  expect(tried.map(({ subject, state }) => `${subject} ${state}`).toSorted()).toEqual(
    ["otlp", "otlpTraces", "remoteWrite", "splunk", "zipkin"].map((key) => `publish.${key} missing`),
  )
})

describe("what a better log would tell", () => {
  const report: DoctorReport = {
    ok: true,
    checks: [],
    logs: [
      { proxy: "a", flavor: "plain", missing: ["grpc_status", "declared_model"] },
      { proxy: "b", flavor: "plain", missing: ["grpc_status", "inbound_log"] },
      { proxy: "c", flavor: "app-mesh", missing: ["attempts"] },
      { proxy: "d", flavor: "istio", missing: ["declared_model"] },
    ],
  }

  test("is told once for all proxies that lack it, with where it is set; what no log mends is not", () => {
    const text = doctorText(report)
    expect(text).toContain(
      "the gRPC status (a, b): A gRPC call that failed with HTTP status 200 counts as ok.",
    )
    expect(text).toContain("a log of what comes in (b):")
    expect(text).toContain("App Mesh has ended and its API takes no change")
    expect(text).not.toContain("tell of istio")
  })

  test.each(FLAVORS)("what is to be pasted for %s is YAML with every field that can be chosen", (flavor) => {
    const { where, paste } = betterLog(flavor)
    expect(where).not.toBe("")
    const wanted =
      flavor === "service-connect"
        ? ["includeQueryParameters"]
        : ["%RESPONSE_CODE_DETAILS%", "%UPSTREAM_REQUEST_ATTEMPT_COUNT%", "%ROUTE_NAME%"]
    const pasted = JSON.stringify(parse(paste))
    expect(wanted.filter((text) => !pasted.includes(text))).toEqual([])
  })
})

test("a bundle has all parts, and no secret", async () => {
  await writeFile(join(folder, "state.db"), "12345")
  const env = { MESH_TOKEN: "s3cr3t-t0ken-value", AWS_REGION: "us-west-2" }
  const config = AGENT.replace("STATE", folder).replace(
    "headers: {",
    'headers: {x-note: "s3cr3t-t0ken-value, Basic dXNlcjpwYXNz", ',
  )
  const { exit, out } = await run(["bundle"], config, env)
  expect(exit).toBe("ok")
  const bundle: Record<string, unknown> = JSON.parse(out)
  expect(Object.keys(bundle)).toEqual([
    "made",
    "meshscope",
    "system",
    "kind",
    "environment",
    "configuration",
    "doctor",
    "metrics",
    "files",
  ])
  expect(bundle).toMatchObject({ kind: "agent", environment: ["AWS_REGION"], doctor: { ok: false } })
  expect(bundle["files"]).toContain("state.db: 5 bytes")
  expect(String(bundle["metrics"])).toMatch(/does not answer/)
  expect(out).not.toContain("s3cr3t-t0ken-value")
  expect(out).not.toContain("dXNlcjpwYXNz")
})
