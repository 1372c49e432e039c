import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"

const YELB = join(import.meta.dirname, "../../../demo/yelb.yaml")
/** What health checkers ask the gateway and the ui for; the appserver declares none. */
export const HEALTH_PATH = "/health"

/** The demo's yelb as YAML, with active health checks on gateway and ui. */
export async function checkedYelb(): Promise<string> {
  const documents = parseAllDocuments(await readFile(YELB, "utf8"))
  const checked = new Set(["yelb-ui", "yelb-gateway"])
  const healthCheck = {
    protocol: "http",
    path: HEALTH_PATH,
    healthyThreshold: 2,
    intervalMillis: 5000,
    timeoutMillis: 2000,
    unhealthyThreshold: 2,
  }
  for (const document of documents) {
    const kind = document.get("kind")
    if (kind !== "VirtualNode" && kind !== "VirtualGateway") continue
    if (checked.has(String(document.getIn(["metadata", "name"]))))
      document.setIn(["spec", "listeners", 0, "healthCheck"], healthCheck)
  }
  return documents
    .map(String)
    .join("---\n")
    .replaceAll(/^---\n---$/gm, "---")
}
