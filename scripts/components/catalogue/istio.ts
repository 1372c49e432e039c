import type { Component, Package } from "../source.ts"

/** A commit on the way to 1.31: the releases of this module are not served. */
const istiod: Package = {
  name: "istiod",
  version: "1.31-2026.08.27",
  source: {
    kind: "istiod",
    istio: {
      kind: "go",
      module: "istio.io/istio",
      version: "v0.0.0-20260827124520-eed52ebb66ad",
      sum: "h1:ui9TJjRMAV/hb5ehQaZDq7IUGxuQP6dra9lapT/VjHI=",
      tags: "vtprotobuf",
      ldflags: "-X istio.io/istio/pkg/version.buildVersion=1.31-dev",
      commands: { istiod: "./pilot/cmd/pilot-discovery" },
      documents: { "crds.yaml": ["manifests/charts/base/files/crd-all.gen.yaml"] },
    },
  },
  otherwise:
    "Install Go 1.26 or newer, or name Istio's `pilot-discovery` by ISTIOD and its definitions by ISTIO_CRDS.",
}

/** A real control plane for Envoys. */
export const ISTIO = {
  istiod: { package: istiod, file: "istiod" },
  /** Istio's kinds of objects, for `kubectl apply --server-side`. */
  "istio-crds": { package: istiod, file: "crds.yaml" },
} satisfies Record<string, Component>
