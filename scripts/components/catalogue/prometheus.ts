import type { Component, Package } from "../source.ts"

/** The Prometheus of Debian 12: the oldest that we promise to work with. */
const prometheus2: Package = {
  name: "prometheus",
  version: "2.42.0",
  source: {
    kind: "debian",
    suite: "own",
    packages: [
      {
        name: "prometheus",
        version: "2.42.0+ds-5+deb12u1",
        files: {
          x64: {
            sha256: "81d59a24fce84f7fbe97a45a4f2914b6a5881b5cd1db2a6a0e129e515e1a5f55",
            bytes: 19_257_088,
          },
          arm64: {
            sha256: "ca131aa102390083398afbc80be9c8dd1dda78f9f92154fc00df8f7f1f4556e9",
            bytes: 16_826_400,
          },
        },
      },
    ],
  },
  otherwise: "Install Debian's package `prometheus`, or name the binaries by PROMETHEUS and PROMTOOL.",
}

/** Prometheus 3, ready-built: stricter about content types, and its scrape protocols differ. */
const prometheus3: Package = {
  name: "prometheus",
  version: "3.5.3",
  source: {
    kind: "debian",
    suite: "testing",
    packages: [
      {
        name: "prometheus",
        version: "3.5.3+ds1-6",
        files: {
          x64: {
            sha256: "593bcced02d8082688ea034dfc543848ad145c5f793aae5aad756c4dbdfa98da",
            bytes: 18_286_304,
          },
          arm64: {
            sha256: "1ee56de93c47df84ba1c1e3c88479db19455db5d99ee59f6bedc7b48f5d120a4",
            bytes: 15_603_272,
          },
        },
      },
      {
        name: "promtool",
        version: "3.5.3+ds1-6",
        files: {
          x64: {
            sha256: "1fb8bad7b932e7a44bccb12517f0bd96d5d5d83f15d3a1c0e2aa705cbf93fe90",
            bytes: 17_389_512,
          },
          arm64: {
            sha256: "92945d09e49f4db89d7d701876be9b56ee21f0e702d9e710f4a61877546207c8",
            bytes: 14_792_500,
          },
        },
      },
    ],
  },
  otherwise:
    "Build one with Go (the component `prometheus-3.15`) and name the binaries by PROMETHEUS_3 and PROMTOOL_3.",
}

/** The newest Prometheus, built here: for the peers' tests and the benchmarks. Its module is version 0.315.0. */
const prometheusNewest: Package = {
  name: "prometheus",
  version: "3.15.0",
  source: {
    kind: "go",
    module: "github.com/prometheus/prometheus",
    version: "v0.315.0",
    sum: "h1:sFGZWmC2Hk9N1NBJGCnXYZb5hyLCq8yuAMoEjLAg6ac=",
    // without the clients of every cloud: half the build, and a peer here only scrapes what it is told to
    tags: "remove_all_sd",
    ldflags: "-X github.com/prometheus/common/version.Version=3.15.0",
    commands: { prometheus: "./cmd/prometheus", promtool: "./cmd/promtool" },
  },
  otherwise: "Install Go 1.26 or newer, or name other binaries by PROMETHEUS_3_15 and PROMTOOL_3_15.",
}

/** What scrapes the agent, in three ages. */
export const PROMETHEUS = {
  prometheus: { package: prometheus2, file: "usr/bin/prometheus" },
  promtool: { package: prometheus2, file: "usr/bin/promtool" },
  "prometheus-3": { package: prometheus3, file: "usr/bin/prometheus" },
  "promtool-3": { package: prometheus3, file: "usr/bin/promtool" },
  "prometheus-3.15": { package: prometheusNewest, file: "prometheus" },
  "promtool-3.15": { package: prometheusNewest, file: "promtool" },
} satisfies Record<string, Component>
