import { writeFileSync } from "node:fs"
import { mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { parseAllDocuments } from "yaml"
import { type Claim, claimBase } from "../../../demo/addresses.ts"
import { type PodParts, podObject } from "../../fake/kubernetes/pods.ts"
import { ROOT } from "../../fixtures/deploy/objects.ts"
import { AgentProcess } from "../../live/rig/agent-process.ts"
import { freePort } from "../../live/rig/free-port.ts"
import { type ApiServer, startApiServer } from "../rig/api-server.ts"

const MANIFESTS = join(ROOT, "deploy/k8s/manifests/meshscope.yaml")
export const NAMESPACE = "meshscope"
export const NODE = "node-1"
/** Where the chart's roles are. */
export const RIGHTS = "/apis/rbac.authorization.k8s.io/v1"
export const AGENT_ROLE = "meshscope-meshscope-agent"

/** One request to the API server, as it audits it. */
export interface Audited {
  readonly verb: string
  readonly requestURI: string
  readonly stage: string
  readonly responseStatus?: { readonly code?: number }
}

/** A real API server with the rights of our chart, on which a test puts pods, and our agent as a process. */
export interface Site {
  readonly server: ApiServer
  readonly folder: string
  /** Plays `/var/log/pods`. */
  readonly logs: string
  /** Second octet of the addresses that are this site's alone. */
  readonly base: number
  /** A file with a token of one of our service accounts. */
  token(account: "meshscope-agent" | "meshscope-collector"): Promise<string>
  /**
   * An agent of the node, and its configuration file.
   * @param changes to its configuration, by top-level key
   * @param port where it reaches the API server on 127.0.0.1; absent: directly
   */
  agent(changes?: Readonly<Record<string, unknown>>, port?: number): Promise<AgentProcess>
  /** Makes a pod and says of it what its kubelet would. @returns its uid */
  put(parts: PodParts & { readonly name: string }): Promise<string>
  remove(name: string, namespace?: string): Promise<void>
  /** What was asked as one of our service accounts. */
  audited(): Promise<readonly Audited[]>
  stop(): Promise<void>
}

const POLICY = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["RequestReceived"],
  rules: [{ level: "Metadata", userGroups: [`system:serviceaccounts:${NAMESPACE}`] }, { level: "None" }],
}

export async function startSite(): Promise<Site> {
  const folder = await mkdtemp(join(tmpdir(), "meshscope-scale-"))
  const logs = join(folder, "pods")
  await mkdir(logs)
  const audit = join(folder, "audit.log")
  const policy = join(folder, "audit.json")
  await writeFile(policy, JSON.stringify(POLICY))
  const claim = await claimBase()
  const server = await startApiServer(() => [`--audit-policy-file=${policy}`, `--audit-log-path=${audit}`])
  await applyRights(server)
  return siteOf(server, { folder, logs, audit }, claim)
}

function siteOf(
  server: ApiServer,
  { folder, logs, audit }: { readonly folder: string; readonly logs: string; readonly audit: string },
  claim: Claim,
): Site {
  const agents: AgentProcess[] = []
  const token: Site["token"] = async (account) => {
    const path = `/api/v1/namespaces/${NAMESPACE}/serviceaccounts/${account}/token`
    const { status } = (await server.send("POST", path, { spec: { expirationSeconds: 3600 } })) as {
      status: { token: string }
    }
    const file = join(folder, `${account}.token`)
    writeFileSync(file, status.token)
    return file
  }
  return {
    server,
    folder,
    logs,
    base: claim.base,
    token,
    async agent(changes = {}, port) {
      const own = join(folder, `agent-${agents.length}`)
      await mkdir(own)
      const url = port === undefined ? server.url : `https://127.0.0.1:${port}`
      const api = { server: url, caFile: server.caFile, tokenFile: await token("meshscope-agent") }
      const agent = await AgentProcess.prepare(own, `127.0.0.1:${await freePort()}`, {
        agent: { id: NODE, state: join(own, "state") },
        discover: { kubernetes: { nodeName: NODE, logs, api } },
        logs: { start: "beginning" },
        ...changes,
      })
      agents.push(agent)
      return agent
    },
    put: (parts) => put(server, parts),
    remove: async (name, namespace = NAMESPACE) =>
      void (await server.send("DELETE", `/api/v1/namespaces/${namespace}/pods/${name}?gracePeriodSeconds=0`)),
    async audited() {
      const lines = (await readFile(audit, "utf8")).split("\n").filter((line) => line.startsWith("{"))
      return lines.map((line): Audited => JSON.parse(line))
    },
    async stop() {
      for (const agent of agents) await agent.end("SIGKILL")
      await server.stop()
      await claim.release()
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Service accounts, roles and bindings of the plain manifests, which are the chart's. */
async function applyRights(server: ApiServer): Promise<void> {
  await server.send("POST", "/api/v1/namespaces", { metadata: { name: NAMESPACE } })
  const places: Readonly<Record<string, string>> = {
    ServiceAccount: `/api/v1/namespaces/${NAMESPACE}/serviceaccounts`,
    ClusterRole: `${RIGHTS}/clusterroles`,
    ClusterRoleBinding: `${RIGHTS}/clusterrolebindings`,
  }
  for (const document of parseAllDocuments(await readFile(MANIFESTS, "utf8"))) {
    const object = document.toJS() as { kind?: string } | null
    const place = places[object?.kind ?? ""]
    if (object !== null && place !== undefined) await server.send("POST", place, object)
  }
}

async function put(server: ApiServer, parts: PodParts & { readonly name: string }): Promise<string> {
  const { metadata, spec, status } = podObject({ namespace: NAMESPACE, node: NODE, ...parts })
  const { name, namespace, labels, annotations } = { annotations: undefined, ...metadata }
  const path = `/api/v1/namespaces/${namespace}/pods`
  const made = (await server.send("POST", path, {
    metadata: { name, namespace, labels, annotations },
    spec,
  })) as { metadata: { uid: string } }
  if (status.phase === "Running") await server.send("PATCH", `${path}/${name}/status`, { status })
  return made.metadata.uid
}
