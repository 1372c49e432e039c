import { createHash } from "node:crypto"
import { readdir, readFile, writeFile } from "node:fs/promises"
import { basename, join } from "node:path"
import { command } from "./components/command.ts"
import { component } from "./components/component.ts"

const CHART = "deploy/k8s/chart"
const MANIFESTS = "deploy/k8s/manifests/meshscope.yaml"
const FIXTURES = "test/fixtures/deploy"
/** Of the chart and the values that those files were made from, so that a fast test, without helm, sees when they are old. */
export const STAMP = `${FIXTURES}/rendered.sha256`

/**
 * Every file that is made from the chart, by its path below `root`: the plain manifests, and what the chart makes of each
 * file of values among the fixtures.
 * @param helm path of the program
 */
export async function renderedFiles(root: string, helm: string): Promise<ReadonlyMap<string, string>> {
  const files = new Map([[MANIFESTS, plain(await template(root, helm, "meshscope", []))]])
  for (const file of (await readdir(join(root, FIXTURES, "values"))).toSorted()) {
    const values = ["--values", join(root, FIXTURES, "values", file)]
    files.set(`${FIXTURES}/rendered/${basename(file)}`, await template(root, helm, "meshscope", values))
  }
  return files
}

/** The digest of all that `renderedFiles` goes by. */
export async function chartDigest(root: string): Promise<string> {
  const hash = createHash("sha256")
  for (const folder of [CHART, `${FIXTURES}/values`]) {
    const files = await readdir(join(root, folder), { recursive: true })
    for (const file of files.filter((name) => /\.(?:yaml|tpl)$/.test(name)).toSorted())
      hash.update(`${file}\0`).update(await readFile(join(root, folder, file)))
  }
  return `${hash.digest("hex")}\n`
}

/** What the chart makes of these values, in the namespace `meshscope`. */
export function template(root: string, helm: string, release: string, values: string[]): Promise<string> {
  return command(helm, ["template", release, join(root, CHART), "--namespace", "meshscope", ...values])
}

const NAMESPACE = `# Made from deploy/k8s/chart by scripts/manifests.ts; change the chart.
apiVersion: v1
kind: Namespace
metadata:
  name: meshscope
  labels:
    # Agents mount folders of their nodes, which no other level allows.
    pod-security.kubernetes.io/enforce: privileged
`

/** Without what only Helm uses. */
function plain(rendered: string): string {
  const documents = rendered
    .split(/^---\n/m)
    .filter((document) => document.trim() !== "" && !document.includes("helm.sh/hook"))
    .map((document) =>
      document.replace(/^# Source: .*\n/, "").replaceAll(/^ *app\.kubernetes\.io\/managed-by: .*\n/gm, ""),
    )
  return [NAMESPACE, ...documents].map((document) => `${document.trimEnd()}\n`).join("---\n")
}

// Run by hand after a change of the chart: npm run manifests. A fast test says when; one of the peers' lane makes them anew.
if (import.meta.main) {
  const root = join(import.meta.dirname, "..")
  const made = new Map(await renderedFiles(root, await component("helm"))).set(STAMP, await chartDigest(root))
  for (const [file, text] of made) {
    const path = join(root, file)
    if ((await readFile(path, "utf8").catch(() => "")) !== text) await writeFile(path, text)
  }
}
