import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { parse } from "yaml"
import type { DoctorReport } from "#mesh/doctor-report.ts"
import { FLAVORS } from "#mesh/resource.ts"
import { betterLog } from "../../cli/better-log.ts"
import { doctorText } from "../../cli/doctor.ts"
import { runProgram } from "../../cli/program.ts"
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
    expect(out.trimEnd().split("\n").at(-1)).toBe("4 of 4 are missing.")
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

test("a collector: who may send, and files that are not there", async () => {
  const open = await run(["doctor"], "listen: 127.0.0.1:4318\n")
  expect(open.exit).toBe("ok")
  expect(open.out).toMatch(/^warning +configuration: intake +Anybody who reaches the collector may send/m)
  const closed = await run(["doctor", "--json"], "intake: {tokenFile: /nowhere/token}\n")
  expect(closed.exit).toBe("failed")
  expect(closed.out).toContain("/nowhere/token cannot be read: it does not exist")
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
