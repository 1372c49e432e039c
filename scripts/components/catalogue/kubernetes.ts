import type { Component, Package } from "../source.ts"

const OTHERWISE = "Install Go 1.26 or newer, or name a binary of yours by the component's variable."

const stamped = (version: string): string =>
  `-X k8s.io/component-base/version.gitVersion=${version} -X k8s.io/component-base/version.gitMajor=1` +
  ` -X k8s.io/component-base/version.gitMinor=${version.split(".")[1]}`

const kubernetes: Package = {
  name: "kubernetes",
  version: "1.36.3",
  source: {
    kind: "go",
    module: "k8s.io/kubernetes",
    version: "v1.36.3",
    sum: "h1:qDQdoMiluAE2Eab6Fa52YV+WjiGz9mZFFoagEA6cI+o=",
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

/** The last minor version whose kubelet starts on a machine with cgroups of version 1. */
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

/** A Kubernetes control plane and its tools. */
export const KUBERNETES = {
  "kube-apiserver": { package: kubernetes, file: "kube-apiserver" },
  "kube-controller-manager": { package: kubernetes, file: "kube-controller-manager" },
  "kube-scheduler": { package: kubernetes, file: "kube-scheduler" },
  kubectl: { package: kubernetes, file: "kubectl" },
  kubelet: { package: kubelet, file: "kubelet" },
} satisfies Record<string, Component>
