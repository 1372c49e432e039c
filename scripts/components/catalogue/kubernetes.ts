import type { Component, ModulePin, Package } from "../source.ts"

const OTHERWISE = "Install Go 1.26 or newer, or name a binary of yours by the component's variable."

const stamped = (version: string): string =>
  `-X k8s.io/component-base/version.gitVersion=${version} -X k8s.io/component-base/version.gitMajor=1` +
  ` -X k8s.io/component-base/version.gitMinor=${version.split(".")[1]}`

const tree: ModulePin = {
  module: "k8s.io/kubernetes",
  version: "v1.36.3",
  sum: "h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o=",
}

const kubernetes: Package = {
  name: "kubernetes",
  version: "1.36.3",
  source: {
    kind: "go",
    ...tree,
    staging: "v0.36.3",
    tags: "",
    ldflags: stamped("v1.36.3"),
    commands: {
      "kube-apiserver": "./cmd/kube-apiserver",
      "kube-controller-manager": "./cmd/kube-controller-manager",
      "kube-scheduler": "./cmd/kube-scheduler",
      kubectl: "./cmd/kubectl",
    },
  },
  otherwise: OTHERWISE,
}

/** Older than the rest: known to start on a machine that has only cgroups of version 1, with `failCgroupV1: false`. */
const kubelet: Package = {
  name: "kubelet",
  version: "1.34.4",
  source: {
    kind: "go",
    module: "k8s.io/kubernetes",
    version: "v1.34.4",
    sum: "h1:Yy6R4QB8C9kJPp25GFqEvX5XQwY5qzKeqD0Xx6oAcmk=",
    staging: "v0.34.4",
    tags: "",
    ldflags: stamped("v1.34.4"),
    commands: { kubelet: "./cmd/kubelet" },
  },
  otherwise: OTHERWISE,
}

const schemas: Package = {
  name: "kube-schemas",
  version: "1.36.3",
  source: { kind: "schemas", module: tree, file: "api/openapi-spec/swagger.json" },
  otherwise: "Install Go 1.26 or newer, or name a folder of schemas for kubeconform by KUBE_SCHEMAS.",
}

/** Plays the kubelets of many nodes, for an API server with thousands of pods. */
const kwok: Package = {
  name: "kwok",
  version: "0.8.0",
  source: {
    kind: "go",
    module: "sigs.k8s.io/kwok",
    version: "v0.8.0",
    sum: "h1:OTIOTwgROqPMovcTwxICx2eYQ4AwLpSx5EpjbDKF4SQ=",
    tags: "",
    ldflags: "",
    commands: { kwok: "./cmd/kwok" },
    documents: {
      "stages.yaml": [
        "node/fast/node-initialize.yaml",
        "node/heartbeat/node-heartbeat.yaml",
        "pod/fast/pod-ready.yaml",
        "pod/fast/pod-complete.yaml",
        "pod/fast/pod-delete.yaml",
      ].map((file) => `kustomize/stage/${file}`),
    },
  },
  otherwise: OTHERWISE,
}

/** A Kubernetes control plane and its tools. */
export const KUBERNETES = {
  "kube-apiserver": { package: kubernetes, file: "kube-apiserver" },
  "kube-controller-manager": { package: kubernetes, file: "kube-controller-manager" },
  "kube-scheduler": { package: kubernetes, file: "kube-scheduler" },
  kubectl: { package: kubernetes, file: "kubectl" },
  kubelet: { package: kubelet, file: "kubelet" },
  kwok: { package: kwok, file: "kwok" },
  /** What kwok does to nodes and pods: `kwok --config`. */
  "kwok-stages": { package: kwok, file: "stages.yaml" },
  /** A folder: `kubeconform -schema-location "<folder>/{{.ResourceKind}}{{.KindSuffix}}.json"`. */
  "kube-schemas": { package: schemas, file: "schemas" },
} satisfies Record<string, Component>
