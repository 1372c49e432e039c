import type { Component, DebianPackage, Package } from "../source.ts"

const etcd: Package = {
  name: "etcd",
  version: "3.4.23",
  source: {
    kind: "debian",
    suite: "own",
    packages: [
      {
        name: "etcd-server",
        version: "3.4.23-4+b4",
        files: {
          x64: {
            sha256: "3a9445d4560ad6de1c375756b2a17d97713df44cbd20a658c871fe108af7ef5d",
            bytes: 8_438_488,
          },
          arm64: {
            sha256: "821e59be145fa42bd72b3e003d275640947c3d824b4c06b1ed2a01a631d555a1",
            bytes: 7_620_188,
          },
        },
      },
    ],
  },
  otherwise: "Install Debian's package `etcd-server`, or name its binary by ETCD.",
}

const containerdPackage: DebianPackage = {
  name: "containerd",
  version: "1.6.20~ds1-1+deb12u3",
  files: {
    x64: { sha256: "8669d264eeb0fcdb4a0b1ba436ab88ec5dafde4a66e1278ec279d830db4c2216", bytes: 25_903_404 },
    arm64: { sha256: "b946c7da94211c925fe8ed26fc0df4db045a976d7c8266c2ac107475a4ebee0f", bytes: 15_438_684 },
  },
}

const runcPackage: DebianPackage = {
  name: "runc",
  version: "1.1.5+ds1-1+deb12u1",
  files: {
    x64: { sha256: "a00351f8c0318de0b424ecf5cd0fdb69880a89f3511cae4f6fff7de3e57881c5", bytes: 2_709_960 },
    arm64: { sha256: "9cd43580a5e01bbcb57b662aa94df63914ffde088e9f739324cf0d6fb87c38c0", bytes: 2_337_376 },
  },
}

/** With runc and the network plugins. The launcher finds shim and runc beside it. */
const containerd: Package = {
  name: "containerd",
  version: "1.6.20",
  source: {
    kind: "debian",
    suite: "own",
    packages: [
      containerdPackage,
      runcPackage,
      {
        name: "containernetworking-plugins",
        version: "1.1.1+ds1-3+b5",
        files: {
          x64: {
            sha256: "4cac8143474d1249b19f7b0e80b8d0daaa6dfdaa8bd514bc468d38d4a108099f",
            bytes: 6_768_984,
          },
          arm64: {
            sha256: "dc9a948009450ff64b37dd45afe65b135ddc44df19c3ac8a40337eb9d5071ddb",
            bytes: 6_026_020,
          },
        },
      },
    ],
    launchers: { containerd: "usr/bin/containerd" },
  },
  otherwise:
    "Install Debian's packages `containerd` and `containernetworking-plugins`, and name what they hold by CONTAINERD, CTR, RUNC and CNI_PLUGINS.",
}

/** What runs pods and images on a machine. */
export const NODE = {
  etcd: { package: etcd, file: "usr/bin/etcd" },
  containerd: { package: containerd, file: "containerd" },
  ctr: { package: containerd, file: "usr/bin/ctr" },
  runc: { package: containerd, file: "usr/sbin/runc" },
  /** A folder. */
  "cni-plugins": { package: containerd, file: "usr/lib/cni" },
} satisfies Record<string, Component>
