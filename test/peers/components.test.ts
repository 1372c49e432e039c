import { execFile } from "node:child_process"
import { mkdtemp, readdir, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, describe, expect, it } from "vitest"
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
    ["kwok", ["--version"], "kwok version v0.8.0"],
    ["kubeconform", ["-v"], "v0.8.0"],
    ["helm", ["version", "--short"], "v4.3.1"],
    ["istiod", ["version", "--short"], "1.31-dev"],
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
    ["dockerd", ["--version"], /Docker version 20\.10\./],
    ["docker", ["--version"], /Docker version 20\.10\./],
    ["buildah", ["--version"], /buildah version 1\./],
    ["mmdebstrap", ["--version"], /mmdebstrap 1\./],
  ])("%s %j runs, in the version that was asked for", async (name, args, version) => {
    expect(await said(name, ...args)).toMatch(version)
  })
})

describe("the peers that are written in Python", () => {
  it.each<[ComponentName, string]>([
    ["cfn-lint", "cfn-lint 1.58.0"],
    ["checkov", "3.3.30"],
  ])("%s runs, in the version that was asked for", async (name, version) => {
    expect((await said(name, "--version")).trim()).toBe(version)
  })
})

const manifest = (field: string): string => `apiVersion: apps/v1
kind: DaemonSet
metadata: { name: agent }
spec:
  selector: { matchLabels: { app: agent } }
  updateStrategy: { rollingUpdate: { maxUnavailable: 10% } }
  template:
    metadata: { labels: { app: agent } }
    spec:
      containers: [{ name: agent, image: agent, ${field}: Always, resources: { limits: { cpu: 1 } } }]
`

describe("files that peers read", () => {
  let folder: string
  beforeAll(async () => {
    folder = await mkdtemp(join(tmpdir(), "meshscope-peers-"))
  })
  afterAll(() => rm(folder, { recursive: true }))

  /** What kubeconform says of a manifest, with the schemas that were made here. */
  async function judged(text: string): Promise<string> {
    const file = join(folder, "manifest.yaml")
    await writeFile(file, text)
    const schemas = join(await component("kube-schemas"), "{{.ResourceKind}}{{.KindSuffix}}.json")
    return said("kubeconform", "-strict", "-verbose", "-schema-location", schemas, file).catch(
      ({ stdout }: { stdout: string }) => stdout,
    )
  }
  it("kube-schemas know the kinds of the same Kubernetes, and refuse a field that it has not", async () => {
    expect(await judged(manifest("imagePullPolicy"))).toMatch(/DaemonSet agent is valid/)
    expect(await judged(manifest("imagePullPolicies"))).toMatch(/'imagePullPolicies' not allowed/)
    expect(await readdir(await component("kube-schemas"))).toHaveLength(312)
  })
  it.each<[ComponentName, RegExp, string[]]>([
    [
      "kwok-stages",
      /(?<=^kind: Stage\nmetadata:\n {2}name: ).*/gm,
      ["node-heartbeat", "node-initialize", "pod-complete", "pod-delete", "pod-ready"],
    ],
    [
      "istio-crds",
      /(?<=^ {4}kind: )(DestinationRule|Gateway|ServiceEntry|VirtualService)$/gm,
      ["DestinationRule", "Gateway", "ServiceEntry", "VirtualService"],
    ],
  ])("%s names what it is for", async (name, pattern, expected) => {
    const found = (await readFile(await component(name), "utf8")).match(pattern) ?? []
    expect(found.toSorted()).toEqual(expected)
  })
  it("cni-plugins have what a node's network is made of", async () => {
    expect(await readdir(await component("cni-plugins"))).toEqual(
      expect.arrayContaining(["bridge", "host-local", "loopback"]),
    )
  })
})
