import { execFile } from "node:child_process"
import { readFile } from "node:fs/promises"
import { resolve } from "node:path"
import { promisify } from "node:util"
import { describe, expect, it } from "vitest"
import type { ComponentName } from "../../scripts/components/catalogue.ts"
import { component } from "../../scripts/components/component.ts"

/** What a component says of itself, on whichever stream. */
async function said(name: ComponentName, ...args: string[]): Promise<string> {
  const { stdout, stderr } = await promisify(execFile)(await component(name), args)
  return stdout + stderr
}

describe("the peers that are built from source", () => {
  it.each<[ComponentName, string[], string]>([
    ["prometheus-3.15", ["--version"], "version 3.15.0"],
    ["promtool-3.15", ["--version"], "version 3.15.0"],
    ["kube-apiserver", ["--version"], "Kubernetes v1.36.3"],
    ["kube-controller-manager", ["--version"], "Kubernetes v1.36.3"],
    ["kube-scheduler", ["--version"], "Kubernetes v1.36.3"],
    ["kubectl", ["version", "--client"], "Client Version: v1.36.3"],
    ["kubelet", ["--version"], "Kubernetes v1.34.4"],
  ])("%s %j runs, in the version that was asked for", async (name, args, version) => {
    expect(await said(name, ...args)).toContain(version)
  })
  it("otelcol has the parts that its manifest names", async () => {
    const manifest = resolve(import.meta.dirname, "../../scripts/components/otelcol.yaml")
    const wanted = (await readFile(manifest, "utf8")).match(/(?<=gomod: ).*/g) ?? []
    const built = (await said("otelcol", "components")).match(/(?<=module: ).*/g) ?? []
    expect(built).toEqual(expect.arrayContaining(wanted))
  })
})

describe("the peers that Debian has", () => {
  it.each<[ComponentName, string[], RegExp]>([
    ["etcd", ["--version"], /etcd Version: 3\.4\./],
    ["containerd", ["--version"], /containerd .* 1\.6\./],
    ["ctr", ["--version"], /ctr .* 1\.6\./],
    ["runc", ["--version"], /runc version 1\./],
  ])("%s %j runs, in the version that was asked for", async (name, args, version) => {
    expect(await said(name, ...args)).toMatch(version)
  })
})
