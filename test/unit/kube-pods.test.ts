import { describe, expect, test } from "vitest"
import { appMeshEnvoy, istioEnvoy } from "../fake/kubernetes/pods.ts"
import { only, row, targetsOf } from "../fixtures/kubernetes/pod-targets.ts"

describe("App Mesh", () => {
  const node = "app-mesh shop sidecar web_shop"
  test.for([
    ["as its controller injects it", appMeshEnvoy(), `10.0.0.7:9901 | admin | ${node}`],
    [
      "with a port of its own",
      appMeshEnvoy({ ENVOY_ADMIN_ACCESS_PORT: "9902" }),
      `10.0.0.7:9902 | admin | ${node}`,
    ],
    [
      "by the port that it declares",
      appMeshEnvoy({ ENVOY_ADMIN_ACCESS_PORT: { fieldRef: {} } }, { ports: { stats: 9905 } }),
      `10.0.0.7:9905 | admin | ${node}`,
    ],
    [
      "with a port that is none",
      appMeshEnvoy({ ENVOY_ADMIN_ACCESS_PORT: "99999" }, { ports: {} }),
      `10.0.0.7:9901 | admin | ${node}`,
    ],
    [
      "with its admin interface on a socket",
      appMeshEnvoy({ ENVOY_ADMIN_MODE: "uds" }),
      `10.0.0.7:9901 | nothing | ${node}`,
    ],
    [
      "in a mesh of another account, by a whole ARN",
      appMeshEnvoy({
        APPMESH_RESOURCE_ARN: "arn:aws:appmesh:eu-west-1:1:mesh/shop@123456789012/virtualNode/a.b",
      }),
      "10.0.0.7:9901 | admin | app-mesh shop sidecar a.b",
    ],
    [
      "a gateway",
      appMeshEnvoy({ APPMESH_RESOURCE_ARN: "mesh/shop/virtualGateway/front_shop" }, { ports: {} }),
      "10.0.0.7:9901 | admin | app-mesh shop gateway front_shop",
    ],
    [
      "an old one, by the name of its node",
      { name: "envoy", env: { APPMESH_VIRTUAL_NODE_NAME: "mesh/shop/virtualNode/old" } },
      "10.0.0.7:9901 | admin | app-mesh shop sidecar old",
    ],
    [
      "by its resource's name, whatever the container is called",
      { name: "proxy", env: { APPMESH_RESOURCE_NAME: "mesh/shop/virtualNode/n" } },
      "10.0.0.7:9901 | admin | app-mesh shop sidecar n",
    ],
    [
      "whose name comes from elsewhere",
      appMeshEnvoy({ APPMESH_RESOURCE_ARN: { secretKeyRef: {} } }),
      "10.0.0.7:9901 | admin | - - - -",
    ],
    [
      "whose name is none, on a socket: nobody can say who it is",
      appMeshEnvoy({ APPMESH_RESOURCE_ARN: "$(ARN)", ENVOY_ADMIN_MODE: "UDS" }),
      "10.0.0.7:9901 | nothing | - - - - | identity",
    ],
    ["a native sidecar's neighbour that is none", { name: "envoy" }, "none"],
  ] as const)("%s", ([, container, says]) => {
    expect(row(only({ containers: [{ name: "app" }, container] }))).toBe(says)
    expect(row(only({ init: [{ ...container, restartPolicy: "Always" }] }))).toBe(says)
    expect(row(only({ init: [container] }))).toBe("none")
  })

  test.for([
    ["10.0.0.7", ["10.0.0.7"], {}, "10.0.0.7"],
    ["fd00::7", ["fd00::7"], {}, "fd00::7"],
    ["fd00::7", ["fd00::7", "10.0.0.7"], {}, "10.0.0.7"],
    ["fd00::7", ["fd00::7", "10.0.0.7"], { ENVOY_ADMIN_ACCESS_ENABLE_IPV6: "true" }, "fd00::7"],
  ] as const)("is asked where it listens: %s of %j with %j at %s", ([ip, ips, env, host]) => {
    expect(only({ ip, ips, containers: [appMeshEnvoy(env)] })?.admin).toEqual({
      kind: "tcp",
      host,
      port: 9901,
    })
  })
})

describe("Istio", () => {
  const sidecar = "istio cluster.local sidecar web.shop"
  const noPort = { ports: {} }
  const merged = { "prometheus.io/port": "15020", "prometheus.io/path": "/stats/prometheus" }
  test.for([
    [
      "as istiod injects it: Envoy's own page",
      istioEnvoy(),
      merged,
      `10.0.0.7:15090 | /stats/prometheus | ${sidecar}`,
    ],
    [
      "without that port: the merged page",
      istioEnvoy(noPort),
      {},
      `10.0.0.7:15020 | /stats/prometheus | ${sidecar}`,
    ],
    [
      "with the merged page elsewhere",
      istioEnvoy(noPort),
      { ...merged, "prometheus.io/port": "15021" },
      `10.0.0.7:15021 | /stats/prometheus | ${sidecar}`,
    ],
    [
      "with notes on the application's page",
      istioEnvoy(noPort),
      { "prometheus.io/port": "8080", "prometheus.io/path": "/metrics" },
      `10.0.0.7:15020 | /stats/prometheus | ${sidecar}`,
    ],
    [
      "with a merged page for the pod alone",
      istioEnvoy({ ...noPort, env: { METRICS_LOCALHOST_ACCESS_ONLY: "true" } }),
      merged,
      "10.0.0.7:15090 | /stats/prometheus | istio - sidecar web.shop",
    ],
    [
      "a gateway",
      istioEnvoy({ args: ["proxy", "router", "--domain", "x"] }),
      {},
      "10.0.0.7:15090 | /stats/prometheus | istio cluster.local gateway web.shop",
    ],
    ["the node's tunnel, which is no Envoy", istioEnvoy({ args: ["proxy", "ztunnel"] }), {}, "none"],
    [
      "an admin interface that was opened",
      istioEnvoy(),
      { "meshscope.dev/admin": "15000" },
      `10.0.0.7:15000 | admin | ${sidecar}`,
    ],
  ] as const)("%s", ([, container, annotations, says]) => {
    const app = { name: "app", ports: { http: 8080 } }
    expect(row(only({ annotations, containers: [app, container] }))).toBe(says)
    expect(
      row(only({ annotations, containers: [app], init: [{ ...container, restartPolicy: "Always" }] })),
    ).toBe(says)
  })

  test("a gateway of the Gateway API has the Gateway's name, and labels that Istio gave the pod", () => {
    const labels = {
      "gateway.networking.k8s.io/gateway-name": "edge",
      "service.istio.io/canonical-name": "edge-istio",
      "service.istio.io/canonical-revision": "latest",
    }
    const target = only({ labels, containers: [istioEnvoy({ args: ["proxy", "router"] })] })
    expect(target?.hint).toMatchObject({ role: "gateway", resource: "edge.shop" })
    expect(target?.labels).toMatchObject({ gateway: "edge", service: "edge-istio", revision: "latest" })
  })
})

const scrape = (port: string, path: string) => ({ "prometheus.io/port": port, "prometheus.io/path": path })

describe("others", () => {
  const consul = {
    "consul.hashicorp.com/connect-inject-status": "injected",
    "consul.hashicorp.com/connect-service": "web",
  }
  const gateway = {
    "gateway.envoyproxy.io/owning-gateway-name": "eg",
    "gateway.envoyproxy.io/owning-gateway-namespace": "edge",
  }
  const page = "/stats/prometheus | plain - gateway"
  test.for([
    [
      "Envoy Gateway's",
      {
        labels: gateway,
        containers: [{ name: "envoy", ports: { metrics: 19_001 } }, { name: "shutdown-manager" }],
      },
      `10.0.0.7:19001 | ${page} eg.edge`,
    ],
    [
      "Envoy Gateway's of a whole class",
      { labels: { "gateway.envoyproxy.io/owning-gatewayclass": "c" }, containers: [{ name: "envoy" }] },
      `10.0.0.7:19001 | ${page} c`,
    ],
    [
      "Consul's without metrics",
      { annotations: consul, containers: [{ name: "consul-dataplane" }] },
      "10.0.0.7:20200 | nothing | plain - sidecar web",
    ],
    [
      "Consul's with metrics",
      {
        annotations: { ...consul, "consul.hashicorp.com/enable-metrics": "true" },
        containers: [{ name: "consul-dataplane" }],
      },
      "10.0.0.7:20200 | /metrics | plain - sidecar web",
    ],
    [
      "Consul's by its notes for Prometheus",
      { annotations: { ...consul, ...scrape("20200", "/metrics") }, containers: [{ name: "envoy-sidecar" }] },
      "10.0.0.7:20200 | /metrics | plain - sidecar web",
    ],
    [
      "Consul's beside an application's page",
      { annotations: { ...consul, ...scrape("8080", "/metrics") }, containers: [{ name: "envoy-sidecar" }] },
      "10.0.0.7:20200 | nothing | plain - sidecar web",
    ],
    [
      "Consul's gateway",
      {
        annotations: { ...consul, "consul.hashicorp.com/gateway-kind": "api-gateway" },
        containers: [{ name: "consul-dataplane" }],
      },
      "10.0.0.7:20200 | nothing | plain - gateway web",
    ],
    ["a container of Consul's name elsewhere", { containers: [{ name: "consul-dataplane" }] }, "none"],
    [
      "a plain one, noted with the admin interface's page",
      { annotations: scrape("9901", "/stats/prometheus"), containers: [{ name: "envoy" }] },
      "10.0.0.7:9901 | admin | - - - -",
    ],
    [
      "a plain one with a page of stats alone",
      { annotations: scrape("9090", "/metrics"), containers: [{ name: "envoy" }] },
      "10.0.0.7:9090 | /metrics | plain - - web",
    ],
    [
      "a plain one with a page that we do not know",
      { annotations: scrape("9090", "/prom"), containers: [{ name: "envoy" }] },
      "none",
    ],
    ["a container called envoy without a word", { containers: [{ name: "envoy" }] }, "none"],
    [
      "stated for the only container",
      { annotations: { "meshscope.dev/admin": "9000" } },
      "10.0.0.7:9000 | admin | - - - -",
    ],
    [
      "stated for a container",
      {
        annotations: { "meshscope.dev/admin": "edge:9000" },
        containers: [{ name: "app" }, { name: "edge" }],
      },
      "10.0.0.7:9000 | admin | - - - -",
    ],
    [
      "stated with a port that one container declares",
      {
        annotations: { "meshscope.dev/admin": "9000" },
        containers: [{ name: "app" }, { name: "edge", ports: { admin: 9000 } }],
      },
      "10.0.0.7:9000 | admin | - - - -",
    ],
  ] as const)("%s", ([, parts, says]) => {
    expect(row(only(parts))).toBe(says)
  })

  test("a container that the configuration names, and no other by way of a prototype", () => {
    const parts = { containers: [{ name: "edge-proxy" }, { name: "constructor" }] }
    expect(row(only(parts, { "edge-proxy": 8001 }))).toBe("10.0.0.7:8001 | admin | - - - -")
  })

  test.for([
    ["no port", "admin", "expects a port, or container:port."],
    ["no port that there is", "70000", "expects a port, or container:port."],
    ["a container that is not there", "other:9901", "names no container of the pod: other."],
    ["no container, where several may be meant", "9901", "must name the container, as container:port."],
  ] as const)("an annotation with %s is told", ([, note, says]) => {
    const parts = { annotations: { "meshscope.dev/admin": note }, containers: [{ name: "a" }, { name: "b" }] }
    const { targets, problems } = targetsOf([parts])
    expect(targets).toEqual([])
    expect(problems.map(({ code, message }) => [code, message])).toEqual([
      ["CONFIG_INVALID", `The annotation meshscope.dev/admin of the pod shop/web-5d9f8c7b6d-x2x7q ${says}`],
    ])
  })
})

describe("a target", () => {
  test("has the pod's name, its files and what is known of the pod", () => {
    expect(only({ containers: [appMeshEnvoy({}, { restarts: 3 })] })).toEqual({
      name: "shop/web-5d9f8c7b6d-x2x7q",
      admin: { kind: "tcp", host: "10.0.0.7", port: 9901 },
      logs: ["/logs/shop_web-5d9f8c7b6d-x2x7q_uid-of-web-5d9f8c7b6d-x2x7q/envoy/3.log"],
      hint: {
        nodeId: "mesh/shop/virtualNode/web_shop",
        flavor: "app-mesh",
        mesh: "shop",
        role: "sidecar",
        resource: "web_shop",
      },
      labels: {
        namespace: "shop",
        pod: "web-5d9f8c7b6d-x2x7q",
        container: "envoy",
        node: "node-1",
        uid: "uid-of-web-5d9f8c7b6d-x2x7q",
        owner_kind: "Deployment",
        owner_name: "web",
      },
    })
  })

  test.for([
    ["a ReplicaSet by itself", [{ kind: "ReplicaSet", name: "web-1", controller: true }], "ReplicaSet web-1"],
    ["a StatefulSet", [{ kind: "StatefulSet", name: "db", controller: true }], "StatefulSet db"],
    ["who does not rule it", [{ kind: "Job", name: "j" }], "undefined undefined"],
    ["nobody", [], "undefined undefined"],
  ] as const)("names its owner: %s", ([, ownerReferences, says]) => {
    const { labels } = only({ metadata: { ownerReferences }, containers: [appMeshEnvoy()] }) ?? {}
    expect(`${labels?.["owner_kind"]} ${labels?.["owner_name"]}`).toBe(says)
  })

  test("of a static pod reads the folder that the kubelet named after its manifest", () => {
    const annotations = { "kubernetes.io/config.mirror": "0a1b2c" }
    expect(only({ name: "edge-node-1", annotations, containers: [appMeshEnvoy()] })?.logs).toEqual([
      "/logs/shop_edge-node-1_0a1b2c/envoy/0.log",
    ])
  })

  test.for([
    ["has no address yet", { ip: "" }, 0],
    ["is pending with an address: its Envoy may write already", { phase: "Pending" }, 1],
    ["runs", {}, 1],
    ["is being deleted: until it is gone", { metadata: { deletionTimestamp: "2026-11-21T11:00:00Z" } }, 1],
    ["is done", { phase: "Succeeded" }, 0],
    ["failed, or was evicted", { phase: "Failed" }, 0],
    ["cannot be asked by its node", { phase: "Unknown" }, 1],
  ] as const)("is there or not: its pod %s", ([, parts, count]) => {
    expect(targetsOf([{ ...parts, containers: [appMeshEnvoy()] }]).targets).toHaveLength(count)
  })

  test("is named with its container where the pod has several Envoys", () => {
    const gateway = {
      name: "edge",
      env: { APPMESH_RESOURCE_ARN: "mesh/m/virtualGateway/g", ENVOY_ADMIN_ACCESS_PORT: "9902" },
    }
    const { targets, problems } = targetsOf([{ name: "p", containers: [appMeshEnvoy(), gateway] }])
    expect(targets.map(({ name }) => name)).toEqual(["shop/p/edge", "shop/p/envoy"])
    expect(problems).toEqual([])
  })

  test("stands for an address alone: two Envoys in a pod that say the same are told", () => {
    const same = { ...appMeshEnvoy(), name: "other" }
    const { targets, problems } = targetsOf([{ name: "p", containers: [appMeshEnvoy(), same] }])
    expect(targets.map(({ name }) => name)).toEqual(["shop/p/envoy"])
    expect(problems.map(({ message }) => message)).toEqual([
      "shop/p/other and shop/p/envoy say that their Envoys are at 10.0.0.7:9901; the second one is left out.",
    ])
  })

  test("on its host's network gives way to the pod that takes its place", () => {
    const host = { ip: "192.168.0.1", spec: { hostNetwork: true }, containers: [appMeshEnvoy()] }
    const old = {
      ...host,
      name: "edge-a",
      metadata: { deletionTimestamp: "2026-11-21T11:00:00Z", creationTimestamp: "2026-11-20T10:00:00Z" },
    }
    const young = { ...host, name: "edge-b", metadata: { creationTimestamp: "2026-11-21T11:00:00Z" } }
    expect(targetsOf([old]).targets.map(({ name }) => name)).toEqual(["shop/edge-a"])
    const { targets, problems } = targetsOf([old, young])
    expect(targets.map(({ name }) => name)).toEqual(["shop/edge-b"])
    expect(problems).toEqual([])
  })
})
