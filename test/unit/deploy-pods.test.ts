import { describe, expect, test } from "vitest"
import { parseCollectorConfig } from "../../collector/config.ts"
import {
  type Container,
  configText,
  type DeployObject,
  objectsIn,
  RENDERED,
  workload,
} from "../fixtures/deploy/objects.ts"

const rendered = (name: string) => objectsIn(`test/fixtures/deploy/rendered/${name}.yaml`)
const DEFAULTS = rendered("defaults")

/** The object of a kind and of a part of the chart. */
function only(objects: readonly DeployObject[], kind: string, part: "agent" | "collector"): DeployObject {
  const found = objects.find((one) => one.kind === kind && one.metadata.name === `meshscope-${part}`)
  if (found === undefined) throw new Error(`no ${kind} of the ${part}`)
  return found
}

describe("who runs as whom", () => {
  test("by default the agent is root without a capability, and the collector nobody in particular", () => {
    const agent = workload(DEFAULTS, "DaemonSet")
    expect(agent?.container.securityContext).toEqual({
      runAsUser: 0,
      runAsGroup: 0,
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    })
    expect(agent?.spec).not.toHaveProperty("hostNetwork")
    const collector = workload(DEFAULTS, "Deployment")
    expect(collector?.spec.securityContext).toEqual({
      runAsNonRoot: true,
      runAsUser: 65_532,
      runAsGroup: 65_532,
      fsGroup: 65_532,
      fsGroupChangePolicy: "OnRootMismatch",
      seccompProfile: { type: "RuntimeDefault" },
    })
  })

  test("of the node an agent has the logs, read-only, and its own folder", () => {
    const agent = workload(DEFAULTS, "DaemonSet")
    expect(agent?.spec.volumes.flatMap(({ hostPath }) => hostPath?.path ?? [])).toEqual([
      "/var/lib/meshscope",
      "/var/log/pods",
    ])
    expect(workload(DEFAULTS, "Deployment")?.spec.volumes.map(({ hostPath }) => hostPath)).toEqual([
      undefined,
      undefined,
    ])
  })

  test("a pod that asks the API server nothing has no token for it", () => {
    expect(workload(rendered("agents-alone"), "DaemonSet")?.spec.automountServiceAccountToken).toBe(false)
    expect(workload(DEFAULTS, "DaemonSet")?.spec.automountServiceAccountToken).toBe(true)
  })
})

describe.each(RENDERED)("%s", (file) => {
  const objects = objectsIn(file)
  const agent = workload(objects, "DaemonSet")?.container
  const collector = workload(objects, "Deployment")?.container
  const pods = [agent, collector].filter((container) => container !== undefined)

  test("probes ask ports that are there; only what no restart mends is left to readiness", () => {
    for (const { readinessProbe, livenessProbe, ports } of pods) {
      const named = ports.map(({ name }) => name)
      expect(named).toEqual(expect.arrayContaining(portsOf(readinessProbe, livenessProbe)))
      // A busy minute is no reason to begin anew
      const patience = (livenessProbe?.periodSeconds ?? 60) * (livenessProbe?.failureThreshold ?? 3)
      expect(patience).toBeGreaterThanOrEqual(120)
    }
    const paths = [agent?.readinessProbe, agent?.livenessProbe].map((probe) => probe?.httpGet.path)
    const metrics = agent?.ports.some(({ name }) => name === "metrics") === true
    expect(paths).toEqual(metrics ? ["/healthz", "/livez"] : [undefined, undefined])
  })

  test.each(collector === undefined ? [] : [collector])(
    "a collector with TLS is asked by it",
    (container) => {
      const config = configText(objects, "collector.yaml")
      const { tls } = parseCollectorConfig({ file: "collector.yaml", text: config, env: {} })
      const scheme = tls === undefined ? "HTTP" : "HTTPS"
      expect(container.readinessProbe?.httpGet.scheme).toBe(scheme)
      expect(container.livenessProbe?.httpGet.scheme).toBe(scheme)
      expect(configText(objects, "agent.yaml")).toContain(`${scheme.toLowerCase()}://meshscope-collector.`)
    },
  )

  test("the old one is gone before the new one comes, where both would write one folder", () => {
    const told = objects.flatMap(({ kind, spec }) =>
      kind === "DaemonSet" || kind === "Deployment"
        ? [spec.updateStrategy ?? [spec.replicas, spec.strategy]]
        : [],
    )
    expect(told).toEqual([
      { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: "10%" } },
      ...(collector === undefined ? [] : [[1, { type: "Recreate" }]]),
    ])
  })

  test("what pods send goes to the agent of their own node", () => {
    const services = objects.filter(
      ({ kind, metadata }) => kind === "Service" && metadata.name.endsWith("agent"),
    )
    expect(services.map(({ spec }) => spec.internalTrafficPolicy)).toEqual(services.map(() => "Local"))
  })

  test("policies name ports that are there", () => {
    for (const { kind, metadata, spec } of objects) {
      if (kind !== "NetworkPolicy") continue
      const container = metadata.name.endsWith("agent") ? agent : collector
      const named = spec.ingress?.flatMap(({ ports }) => ports.map(({ port }) => port)) ?? []
      expect(named).not.toEqual([])
      expect(container?.ports.map(({ name }) => name)).toEqual(expect.arrayContaining(named))
    }
  })
})

const portsOf = (...probes: Container["livenessProbe"][]): string[] =>
  probes.flatMap((probe) => (probe === undefined ? [] : [probe.httpGet.port]))

describe("defaults", () => {
  test("an agent's token is for the collector alone, which takes this account's", () => {
    const text = configText(DEFAULTS, "collector.yaml")
    const { intake } = parseCollectorConfig({ file: "collector.yaml", text, env: {} })
    const account = workload(DEFAULTS, "DaemonSet")?.spec.serviceAccountName
    expect(intake.kubernetes?.serviceAccounts).toEqual([`meshscope/${account}`])
    const token = workload(DEFAULTS, "DaemonSet")?.spec.volumes.find(({ name }) => name === "token")
    expect(token?.["projected"]).toMatchObject({
      sources: [{ serviceAccountToken: { audience: intake.kubernetes?.audience, path: "token" } }],
    })
  })

  test("the collector is closed but to agents and its own namespace", () => {
    const { ingress = [] } = only(DEFAULTS, "NetworkPolicy", "collector").spec
    expect(ingress).toHaveLength(1)
    expect(ingress[0]?.from).toEqual([
      { podSelector: { matchLabels: expect.objectContaining({ "app.kubernetes.io/component": "agent" }) } },
      { podSelector: {} },
    ])
  })
})
