import { readdirSync } from "node:fs"
import { join } from "node:path"
import { beforeAll, describe, expect, test } from "vitest"
import * as z from "zod"
import { command } from "../../../scripts/components/command.ts"
import { component } from "../../../scripts/components/component.ts"
import { ROOT } from "../../fixtures/deploy/objects.ts"

/** Templates, manifests and the Dockerfile by those who look for faults in such. */
let cfnLint = ""

beforeAll(async () => {
  cfnLint = await component("cfn-lint")
}, 1_200_000)

const TEMPLATES = readdirSync(join(ROOT, "deploy/ecs")).filter((file) => file.endsWith(".yaml"))

describe("cfn-lint", () => {
  test.each(TEMPLATES)("%s is without a fault or a warning, in two regions", async (file) => {
    const regions = ["--regions", "eu-central-1", "us-east-1"]
    expect(await command(cfnLint, [...regions, "--", join(ROOT, "deploy/ecs", file)])).toBe("")
  })
})

/** What checkov holds against us, and why it stays so. Anything else fails, and so does one that is not found any more. */
const KNOWN: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "deploy/ecs": {},
  "deploy/k8s/manifests": {
    CKV_K8S_15:
      "IfNotPresent: a version or a digest names one image, and an agent must start while the registry is away",
    CKV_K8S_23: "agents run as root without a capability: logs on a node are root's (chart's README)",
    CKV_K8S_38: "agents list pods and the collector reviews tokens: both need their service account",
    CKV_K8S_40: "as CKV_K8S_23",
    CKV_K8S_43: "a digest is the user's to set: we push no image",
    CKV2_K8S_6: "agents' policy is off by default: proxies may have their admin interface at any port",
  },
  "deploy/image": {
    CKV_DOCKER_2:
      "a health check would start a Node of its own every time; /livez and /healthz are for orchestrators",
    CKV_DOCKER_7: "bases are arguments, whose defaults have versions",
  },
}

const report = z.object({
  results: z.object({
    failed_checks: z.array(z.object({ check_id: z.string(), file_abs_path: z.string() })),
  }),
})
/** What it finds in all of them at once: it takes longer to start than to look. */
let found: readonly { readonly check_id: string; readonly file_abs_path: string }[] = []

beforeAll(async () => {
  const frameworks = ["--framework", "cloudformation", "kubernetes", "dockerfile"]
  const folders = Object.keys(KNOWN).flatMap((folder) => ["--directory", join(ROOT, folder)])
  const words = [...frameworks, "--skip-download", "--output", "json", "--soft-fail", ...folders]
  // A document for each folder; only its first and its last line begin at the margin
  const documents = (await command(await component("checkov"), words)).split(/^(?=[[{])/m)
  const reports = documents.flatMap((text) => {
    const told: unknown = JSON.parse(text)
    return z.array(report).parse(Array.isArray(told) ? told : [told])
  })
  found = reports.flatMap(({ results }) => results.failed_checks)
}, 1_200_000)

test.each(Object.entries(KNOWN))("checkov finds in %s what is known, and no more", (folder, known) => {
  const here = found.filter(({ file_abs_path }) => file_abs_path.startsWith(`${join(ROOT, folder)}/`))
  const ids = new Set(here.map(({ check_id }) => check_id))
  expect([...ids].toSorted()).toEqual(Object.keys(known).toSorted())
})

test("checkov finds nothing in files that are not of these folders", () => {
  const folders = Object.keys(KNOWN).map((folder) => `${join(ROOT, folder)}/`)
  const elsewhere = found.filter(
    ({ file_abs_path }) => !folders.some((folder) => file_abs_path.startsWith(folder)),
  )
  expect(elsewhere).toEqual([])
})
