import { mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { expect, test } from "vitest"
import { readAgentConfig } from "../../agent/config/read.ts"
import { readCollectorConfig } from "../../collector/config.ts"

/** Tasks of ECS bring their configuration in a variable. */
const AGENT = `agent:\n  id: \${NAME}\ndiscover:\n  static: { file: targets.yaml }\n`

test("a configuration is read from a variable, whose own variables are replaced", async () => {
  const config = await readAgentConfig("env:CONFIG", { CONFIG: AGENT, NAME: "node-7" })
  expect(config.agent.id).toBe("node-7")
  const collector = await readCollectorConfig("env:CONFIG", { CONFIG: "store: { folder: /data }" })
  expect(collector.store.folder).toBe("/data")
})

test.each([
  ["env:CONFIG", {}, "CONFIG_ENV_MISSING"],
  ["env:CONFIG", { CONFIG: " \n" }, "CONFIG_ENV_MISSING"],
  ["env:CONFIG", { CONFIG: "discover: [" }, "CONFIG_SYNTAX"],
  ["env:CONFIG", { CONFIG: AGENT }, "CONFIG_ENV_MISSING"],
  // Names of files, for all that they begin alike
  ["env:", {}, "FILE_UNREADABLE"],
  ["env:my-file", {}, "FILE_UNREADABLE"],
])("%s with %o ends with %s", async (place, env, code) => {
  await expect(readAgentConfig(place, env)).rejects.toMatchObject({ code })
})

test("what is wrong is told with the variable's name and the line", async () => {
  const reading = readAgentConfig("env:CONFIG", { CONFIG: "agent: {}\ndiscover: {}\nlogz: {}\n" })
  await expect(reading).rejects.toThrow(/^env:CONFIG:3:1: logz /m)
})

test("a file stays a file", async () => {
  const folder = await mkdtemp(join(tmpdir(), "meshscope-config-"))
  await writeFile(join(folder, "agent.yaml"), AGENT)
  const config = await readAgentConfig(join(folder, "agent.yaml"), { NAME: "a" })
  expect(config.discover.static?.file).toBe(join(folder, "targets.yaml"))
  await rm(folder, { recursive: true })
})
