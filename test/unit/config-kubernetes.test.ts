import { describe, expect, test } from "vitest"
import { parseAgentConfig } from "../../agent/config/parse.ts"
import { type KubernetesSettings, kubernetesConfig } from "../../agent/discover/kubernetes/settings.ts"
import { SERVICE_ACCOUNT } from "../../kubernetes/access.ts"

const POD = { NODE_NAME: "node-1", KUBERNETES_SERVICE_HOST: "10.96.0.1", KUBERNETES_SERVICE_PORT: "443" }

function settings(text: string): KubernetesSettings {
  const { discover } = parseAgentConfig({ file: "/etc/m/agent.yaml", text, env: POD, hostName: "h" })
  if (discover.kubernetes === undefined) throw new Error("no discover.kubernetes")
  return discover.kubernetes
}
const config = (text: string, env: Record<string, string> = POD) => kubernetesConfig(settings(text), env)

describe("discover.kubernetes", () => {
  test("needs nothing in a pod that is told its node", () => {
    expect(config("discover: { kubernetes: {} }")).toEqual({
      nodeName: "node-1",
      namespaces: { include: [], exclude: [] },
      labelSelector: "",
      containers: {},
      logs: "/var/log/pods",
      from: {
        kind: "api",
        access: {
          server: "https://10.96.0.1:443",
          tokenFile: `${SERVICE_ACCOUNT}/token`,
          caFile: `${SERVICE_ACCOUNT}/ca.crt`,
        },
      },
    })
  })

  test("takes files from the configuration's folder, and names before the environment", () => {
    const text = `discover:
  kubernetes:
    nodeName: other
    namespaces: { exclude: [kube-system] }
    containers: { edge-proxy: 8001 }
    logs: pods
    api: { server: "https://k:6443/", tokenFile: token, caFile: /ca.pem }
`
    expect(config(text)).toMatchObject({
      nodeName: "other",
      namespaces: { include: [], exclude: ["kube-system"] },
      containers: { "edge-proxy": 8001 },
      logs: "/etc/m/pods",
      from: { access: { server: "https://k:6443", tokenFile: "/etc/m/token", caFile: "/ca.pem" } },
    })
  })

  test.for([
    [
      "url: https://10.0.0.1:10250",
      { tokenFile: `${SERVICE_ACCOUNT}/token`, caFile: `${SERVICE_ACCOUNT}/ca.crt`, insecure: false },
    ],
    [
      "url: https://10.0.0.1:10250, insecure: true",
      { tokenFile: `${SERVICE_ACCOUNT}/token`, insecure: true },
    ],
    [
      "url: https://10.0.0.1:10250, caFile: ca, certFile: c, keyFile: k",
      { caFile: "/etc/m/ca", certFile: "/etc/m/c", keyFile: "/etc/m/k", insecure: false },
    ],
  ] as const)("asks the kubelet: %s", ([kubelet, access]) => {
    expect(config(`discover: { kubernetes: { kubelet: { ${kubelet} } } }`, { NODE_NAME: "n" }).from).toEqual({
      kind: "kubelet",
      interval: 10_000,
      access: { server: "https://10.0.0.1:10250", called: "The kubelet", ...access },
    })
  })

  test.for([
    [{ KUBERNETES_SERVICE_HOST: "k" }, /must know its node: set NODE_NAME from the field spec\.nodeName/],
    [{ NODE_NAME: "n" }, /This is no pod .* set api\.server/],
  ] as const)("says what lacks: %j", ([env, says]) => {
    expect(() => config("discover: { kubernetes: {} }", env)).toThrow(says)
  })

  test.for([
    ["nodeName: Node_1", "expects a name as Kubernetes has them"],
    ["kubelet: { url: http://10.0.0.1:10255 }", "http is for loopback only"],
    ["kubelet: { url: https://k }, labelSelector: a=b", "has no meaning with kubelet"],
    ["containers: { envoy: 0 }", "discover.kubernetes.containers.envoy"],
    ["namespace: a", "namespaces"],
  ] as const)("refuses %s", ([text, says]) => {
    expect(() => settings(`discover: { kubernetes: { ${text} } }`)).toThrow(says)
  })
})
