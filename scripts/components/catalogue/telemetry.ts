import type { CollectorSource, Component, Package, PinnedFile } from "../source.ts"

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

/** What takes telemetry, and what else tails logs. */
export const TELEMETRY = {
  otelcol: { package: collector, file: "otelcol" },
  "otlp-descriptors": { package: descriptors, file: "otlp.binpb" },
  mtail: { package: mtail, file: "usr/bin/mtail" },
  moto: { package: moto, file: "moto_server" },
  /** A jar: `java -jar` runs it. */
  zipkin: { package: zipkin, file: "zipkin-server-3.5.1-exec.jar" },
} satisfies Record<string, Component>
