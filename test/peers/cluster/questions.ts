import { readFileSync } from "node:fs"
import type { DoctorReport } from "../../../mesh/doctor-report.ts"
import type { Kube } from "./kube.ts"
import { RELEASE_NAMESPACE } from "./release.ts"
import type { Subject } from "./subject.ts"

export type Part = "agent" | "collector"

/** Verbs of what the agent asked about pods, in the order of the asking. */
export function podRequests({ cluster }: Subject): readonly string[] {
  interface Asked {
    readonly verb: string
    readonly user: { readonly username: string }
    readonly objectRef?: { readonly resource: string }
  }
  const lines = readFileSync(cluster.auditLog, "utf8").trim().split("\n")
  return lines
    .map((line) => JSON.parse(line) as Asked)
    .filter(({ user }) => user.username === `system:serviceaccount:${RELEASE_NAMESPACE}:meshscope-agent`)
    .filter(({ objectRef }) => objectRef?.resource === "pods")
    .map(({ verb }) => verb)
}

/** Runs a command in the container of a part that is ready. @returns what it says */
export async function inside(
  { cluster, release }: Subject,
  part: Part,
  words: readonly string[],
): Promise<string> {
  const pod = await release.pod(part)
  return cluster.kube.exec(RELEASE_NAMESPACE, pod?.metadata.name ?? "", words)
}

export async function doctor(subject: Subject, part: Part): Promise<DoctorReport> {
  const words = ["meshscope", "doctor", "--json", "--config", `/etc/meshscope/${part}.yaml`]
  return JSON.parse(await inside(subject, part, words)) as DoctorReport
}

/** The rights that doctor misses: what follows from them is told elsewhere in its report. */
export async function rightsMissing(subject: Subject, part: Part): Promise<readonly string[]> {
  const { checks } = await doctor(subject, part)
  return checks
    .filter(({ area, state }) => area === "kubernetes" && state === "missing")
    .map(({ subject: right }) => right)
    .toSorted()
}

/** A token of one of the release's service accounts, for somebody. */
export async function tokenOf({ cluster }: Subject, account: string, audience: string): Promise<string> {
  const path = `/api/v1/namespaces/${RELEASE_NAMESPACE}/serviceaccounts/${account}/token`
  const spec = { audiences: [audience], expirationSeconds: 600 }
  const answer = await cluster.kube.send("POST", path, { spec })
  return (answer as { status: { token: string } }).status.token
}

/** The collector's answer to who asks for the declared model. */
export async function askModel({ release }: Subject, token?: string): Promise<Response> {
  const pod = await release.pod("collector")
  const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
  return fetch(`http://${pod?.status.podIP}:4318/model`, { headers })
}

/** `<kind>/<name>` of all objects of all kinds with these labels. */
export async function everyObject(kube: Kube, labels: string): Promise<readonly string[]> {
  interface Known {
    readonly resources: readonly { readonly name: string; readonly verbs: readonly string[] }[]
  }
  const { groups } = (await kube.get("/apis")) as {
    groups: readonly { preferredVersion: { groupVersion: string } }[]
  }
  const roots = ["/api/v1", ...groups.map(({ preferredVersion }) => `/apis/${preferredVersion.groupVersion}`)]
  const found: string[] = []
  for (const root of roots) {
    const { resources } = (await kube.get(root)) as Known
    for (const { name } of resources.filter(({ verbs }) => verbs.includes("list"))) {
      const list = await kube.get(`${root}/${name}?labelSelector=${encodeURIComponent(labels)}`)
      const { items } = list as { items: readonly { metadata: { name: string } }[] }
      found.push(...items.map(({ metadata }) => `${name}/${metadata.name}`))
    }
  }
  return found
}
