import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { beforeAll, describe, expect, test } from "vitest"
import { command } from "../../../scripts/components/command.ts"
import { component } from "../../../scripts/components/component.ts"
import { renderedFiles, template } from "../../../scripts/manifests.ts"
import { RENDERED, ROOT } from "../../fixtures/deploy/objects.ts"

/** The chart by helm itself, and what it makes by the schemas of Kubernetes. */
let helm = ""
let kubeconform = ""
let schemas = ""

beforeAll(async () => {
  helm = await component("helm")
  kubeconform = await component("kubeconform")
  schemas = await component("kube-schemas")
}, 1_200_000)

const render = (...values: string[]): Promise<string> => template(ROOT, helm, "meshscope", values)
const set = (values: string): string[] => ["--set", values]

test("helm finds nothing to complain about", async () => {
  expect(await command(helm, ["lint", "--strict", join(ROOT, "deploy/k8s/chart")])).toContain(
    "0 chart(s) failed",
  )
})

test("manifests and fixtures are what the chart makes now (else: node scripts/manifests.ts)", async () => {
  const made = await renderedFiles(ROOT, helm)
  expect([...made.keys()].toSorted()).toEqual([...RENDERED].toSorted())
  for (const [file, text] of made) expect(text).toBe(await readFile(join(ROOT, file), "utf8"))
})

describe("Kubernetes' schemas, strictly", () => {
  // Of the Prometheus Operator: no part of Kubernetes
  const SKIPPED = "PodMonitor,ServiceMonitor"
  const validated = (file: string): Promise<string> =>
    command(kubeconform, [
      "-strict",
      "-summary",
      "-skip",
      SKIPPED,
      "-schema-location",
      `${schemas}/{{.ResourceKind}}{{.KindSuffix}}.json`,
      file,
    ])

  test.each(RENDERED)("%s", async (file) => {
    expect(await validated(join(ROOT, file))).toMatch(/Valid: [1-9]\d*, Invalid: 0, Errors: 0/)
  })

  test("would not take a key that does not exist", async () => {
    await expect(validated(join(ROOT, "test/fixtures/deploy/not-kubernetes.yaml"))).rejects.toThrow(
      "Invalid: 1",
    )
  })
})
const names = (text: string): string[] =>
  [...text.matchAll(/^ {2}name: (\S+)$/gm)].map(([, name = ""]) => name)
const sums = async (...values: string[]): Promise<string[]> =>
  [...(await render(...values)).matchAll(/checksum\/config: (\S+)/g)].map(([, sum = ""]) => sum)

describe("values", () => {
  test.each([
    ["an unknown key", "agent.unknown=1", "unknown"],
    ["a tag that says no version", "image.tag=latest", "tag"],
    ["no node without its agent", "agent.maxUnavailable=0", "maxUnavailable"],
    ["spans that go nowhere", "agent.receive.xray=true", "need a place to go"],
    ["a token without its secret", "auth.kind=token", "auth.secretName is needed"],
    ["a state folder that is not mounted", "agent.config.agent.state=/data", "not in agent.stateFolder"],
    ["a collector nobody reaches", "collector.config.listen=127.0.0.1:4318", "could not reach it"],
    ["TLS that agents do not know of", "collector.config.tls.certFile=/c", "needs tls.secretName"],
    ["no account at all", "agent.serviceAccount.create=false", "serviceAccount.name is needed"],
  ])("%s is refused", async (_, value, words) => {
    await expect(render(...set(value))).rejects.toThrow(words)
  })

  test("another release in another namespace shares no name", async () => {
    const other = await command(helm, [
      "template",
      "second",
      join(ROOT, "deploy/k8s/chart"),
      "--namespace",
      "b",
    ])
    const first = new Set(names(await render()))
    expect(names(other).filter((name) => first.has(name))).toEqual([])
  })

  test("a change of configuration rolls the agents, one of the collector does not", async () => {
    const [agent, collector] = await sums()
    expect(await sums(...set("agent.config.commit=10s"))).toEqual([
      expect.not.stringContaining(agent ?? ""),
      collector,
    ])
    expect(await sums(...set("collector.config.store.series=1000"))).toEqual([
      agent,
      expect.not.stringContaining(collector ?? ""),
    ])
  })

  test("an account that somebody else makes is used, and not made again", async () => {
    const own = set("agent.serviceAccount.create=false,agent.serviceAccount.name=theirs")
    expect(await render(...own)).toContain("serviceAccountName: theirs")
    expect(await render(...own)).not.toMatch(/kind: ServiceAccount\nmetadata:\n {2}name: theirs/)
  })

  test("null takes away what the chart writes", async () => {
    expect(await render(...set("collector.config.model.kubernetes=null"))).not.toContain("appmesh.k8s.aws")
  })

  test("before Kubernetes 1.33 the kubelet's pods need the larger right", async () => {
    const kubelet = set("agent.config.discover.kubernetes.kubelet.url=https://${HOST_IP}:10250")
    expect(await render(...kubelet, "--kube-version", "1.33.1-eks-0a1b2c3")).toContain(
      "resources: [nodes/pods]",
    )
    expect(await render(...kubelet, "--kube-version", "1.32.5")).toContain("resources: [nodes/proxy]")
  })
})
