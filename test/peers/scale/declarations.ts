import { readFile } from "node:fs/promises"
import { parseAllDocuments } from "yaml"
import { appMeshDefinitions } from "../cluster/app-mesh-definitions.ts"
import { YELB } from "./recorded.ts"
import type { Site } from "./site.ts"

const GROUP = "/apis/appmesh.k8s.aws/v1beta2"
const DEFINITIONS = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions"
const NAMESPACE = "yelb"
const READY_MS = 30_000

interface Declared {
  readonly apiVersion?: string
  readonly kind: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly spec?: unknown
}
interface Definition {
  readonly spec: {
    readonly names: { readonly kind: string; readonly plural: string }
    readonly versions: readonly { schema: object }[]
  }
}

/** The kinds of App Mesh as a controller that checks nothing would have them, and the demo's mesh. */
export async function declareYelb({ server }: Pick<Site, "server">): Promise<void> {
  for (const definition of appMeshDefinitions()) await server.send("POST", DEFINITIONS, unchecked(definition))
  await server.send("POST", "/api/v1/namespaces", { metadata: { name: NAMESPACE, labels: { mesh: "yelb" } } })
  const end = performance.now() + READY_MS
  for (const document of parseAllDocuments(await readFile(YELB, "utf8"))) {
    // A kind is served a moment after it was defined.
    for (;;) {
      const failed = await declare({ server }, document.toJS() as Declared).then(
        () => undefined,
        (error: unknown) => error,
      )
      if (failed === undefined) break
      if (performance.now() > end) throw failed
      await new Promise((resolve) => setTimeout(resolve, 200))
    }
  }
}

/** Makes an object of App Mesh in the demo's namespace, whatever stands in it. */
export async function declare(
  { server }: Pick<Site, "server">,
  { kind, metadata, spec }: Declared,
): Promise<void> {
  await server.send("POST", pathOf(kind), { apiVersion: "appmesh.k8s.aws/v1beta2", kind, metadata, spec })
}

export const undeclare = async (
  { server }: Pick<Site, "server">,
  kind: string,
  name: string,
): Promise<void> => void (await server.send("DELETE", `${pathOf(kind)}/${name}`))

function pathOf(kind: string): string {
  const { names } = (appMeshDefinitions() as readonly Definition[])
    .map(({ spec }) => spec)
    .find((spec) => spec.names.kind === kind) ?? { names: { plural: "" } }
  return kind === "Mesh" ? `${GROUP}/${names.plural}` : `${GROUP}/namespaces/${NAMESPACE}/${names.plural}`
}

/** The same kind, of which any object is taken. */
function unchecked(definition: object): object {
  const copy = structuredClone(definition) as Definition
  const openAPIV3Schema = { type: "object", "x-kubernetes-preserve-unknown-fields": true }
  for (const version of copy.spec.versions) version.schema = { openAPIV3Schema }
  return copy
}
