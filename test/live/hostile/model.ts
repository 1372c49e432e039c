import { readFile } from "node:fs/promises"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"

const YELB = join(import.meta.dirname, "../../../demo/yelb.yaml")
/** What health checkers ask the gateway and the ui for; the appserver declares none. */
export const HEALTH_PATH = "/health"

/** What the gateway's plain route takes, and what its rewriting route `/api` can make. */
export const PLAIN_PATH = "/plain/"

/**
 * Two gateway routes to one service, one of which leaves the path alone, and two routes to the same nodes: nothing but
 * the path tells which was taken.
 */
const PLAIN_GATEWAY_ROUTE = `
apiVersion: appmesh.k8s.aws/v1beta2
kind: GatewayRoute
metadata: { name: plain-gatewayroute, namespace: yelb }
spec:
  priority: 1
  httpRoute:
    match: { path: { regex: "${PLAIN_PATH}.*" } }
    action: { target: { virtualService: { virtualServiceRef: { name: yelb-appserver } } } }
`
const TARGETS = ["yelb-appserver", "yelb-appserver-v2"]
const PLAIN_ROUTE = {
  name: "plain",
  httpRoute: {
    match: { prefix: PLAIN_PATH },
    action: { weightedTargets: TARGETS.map((name) => ({ virtualNodeRef: { name }, weight: 1 })) },
  },
}

/** The demo's yelb as YAML, with active health checks on gateway and ui, and routes that only the path tells apart. */
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
    if (kind === "VirtualRouter") document.addIn(["spec", "routes"], document.createNode(PLAIN_ROUTE))
    if (kind !== "VirtualNode" && kind !== "VirtualGateway") continue
    if (checked.has(String(document.getIn(["metadata", "name"]))))
      document.setIn(["spec", "listeners", 0, "healthCheck"], healthCheck)
  }
  return [...documents.map(String), PLAIN_GATEWAY_ROUTE].join("---\n").replaceAll(/^---\n---$/gm, "---")
}
