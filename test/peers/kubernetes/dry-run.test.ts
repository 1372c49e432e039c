import { execFile } from "node:child_process"
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join, resolve } from "node:path"
import { promisify } from "node:util"
import { afterAll, beforeAll, expect, test } from "vitest"
import { parseAllDocuments } from "yaml"
import { component } from "../../../scripts/components/component.ts"
import { type ApiServer, startApiServer } from "../rig/api-server.ts"

/** What a real API server says of every manifest, with its own defaults and checks, and nothing kept of it. */
const ROOT = resolve(import.meta.dirname, "../../..")
const RENDERED = join(ROOT, "test/fixtures/deploy/rendered")
/** Kinds that somebody else defines; they are held by their own schemas in the chart's tests. */
const FOREIGN = new Set(["PodMonitor", "ServiceMonitor"])
const FILES = [
  join(ROOT, "deploy/k8s/manifests/meshscope.yaml"),
  ...readdirSync(RENDERED)
    .filter((name) => name.endsWith(".yaml"))
    .map((name) => join(RENDERED, name)),
]

let server: ApiServer
let folder = ""
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), "meshscope-dry-run-"))
  server = await startApiServer()
}, 600_000)
afterAll(async () => {
  await server?.stop()
  rmSync(folder, { recursive: true, force: true })
})

interface Manifest {
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
}

function manifestsOf(file: string): readonly Manifest[] {
  const documents: readonly (Manifest | null)[] = parseAllDocuments(readFileSync(file, "utf8")).map((one) =>
    one.toJS(),
  )
  return documents.filter((one) => one !== null)
}

/** kubectl's lines: `kind/name created (server dry run)`. */
async function dryRun(manifests: readonly object[]): Promise<readonly string[]> {
  const file = join(folder, "manifests.json")
  writeFileSync(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: manifests }))
  const flags = ["--kubeconfig", server.kubeConfig, "--dry-run=server", "--validate=strict"]
  const { stdout } = await promisify(execFile)(await component("kubectl"), ["apply", ...flags, "-f", file])
  return stdout.trim().split("\n")
}

async function withNamespaces(manifests: readonly Manifest[]): Promise<void> {
  const names = new Set(manifests.flatMap(({ metadata }) => metadata.namespace ?? []))
  for (const name of names)
    await server.send("POST", "/api/v1/namespaces", { metadata: { name } }).catch((error: unknown) => {
      if (!String(error).includes("already exists")) throw error
    })
}

test.each(FILES)("%s is taken as it is", async (file) => {
  const all = manifestsOf(file)
  const ours = all.filter(({ kind }) => !FOREIGN.has(kind))
  expect(ours.length).toBeGreaterThan(3)
  await withNamespaces(ours)
  const said = await dryRun(ours)
  expect(said).toHaveLength(ours.length)
  expect(said.filter((line) => !line.endsWith("(server dry run)"))).toEqual([])
})

test("a field that Kubernetes has not is refused, so the check can fail", async () => {
  const first = manifestsOf(FILES[0] ?? "").find(({ kind }) => kind === "DaemonSet")
  await expect(dryRun([{ ...first, spec: { updateStrategies: {} } }])).rejects.toThrow(/updateStrategies/)
})
