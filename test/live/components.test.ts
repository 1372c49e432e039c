import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { promisify } from "node:util"
import { createFileRegistry, fromBinary } from "@bufbuild/protobuf"
import { FileDescriptorSetSchema } from "@bufbuild/protobuf/wkt"
import { describe, expect, it } from "vitest"
import type { ComponentName } from "../../scripts/components/catalogue.ts"
import { component } from "../../scripts/components/component.ts"

/** What a component says of itself, on whichever stream. */
async function said(name: ComponentName, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(await component(name), args)
  return stdout + stderr
}

describe("the real components that npm test uses", () => {
  it.each<[ComponentName, RegExp]>([
    ["envoy", /\/1\.40\.0\/Clean\/RELEASE/],
    ["prometheus", /^prometheus, version 2\./],
    ["promtool", /^promtool, version 2\./],
    ["prometheus-3", /^prometheus, version 3\./],
    ["promtool-3", /^promtool, version 3\./],
  ])("%s runs, in the version that was asked for", async (name, version) => {
    expect((await said(name, "--version")).trim()).toMatch(version)
  })
  it("chromium renders text", async () => {
    const page = "data:text/html,<p id=a></p><script>a.textContent=6*7</script>"
    const args = process.getuid?.() === 0 ? ["--no-sandbox", "--disable-dev-shm-usage"] : []
    expect(await said("chromium", ...args, "--headless", "--disable-gpu", "--dump-dom", page)).toContain(
      '<p id="a">42</p>',
    )
  })
  it("otlp-descriptors are complete: every import is in the set", async () => {
    const set = fromBinary(FileDescriptorSetSchema, await readFile(await component("otlp-descriptors")))
    const registry = createFileRegistry(set)
    for (const signal of ["metrics.v1.ExportMetrics", "logs.v1.ExportLogs", "trace.v1.ExportTrace"]) {
      const request = registry.getMessage(`opentelemetry.proto.collector.${signal}ServiceRequest`)
      expect(request?.fields.map(({ name }) => name)).toHaveLength(1)
    }
  })
})
