import type { Component, DebianPackage, InstalledSource, Package } from "../source.ts"

const ETCD: DebianPackage = {
  name: "etcd-server",
  version: "3.4.23-4+b4",
  files: {
    x64: { sha256: "3a9445d4560ad6de1c375756b2a17d97713df44cbd20a658c871fe108af7ef5d", bytes: 8_438_488 },
    arm64: { sha256: "821e59be145fa42bd72b3e003d275640947c3d824b4c06b1ed2a01a631d555a1", bytes: 7_620_188 },
  },
}

const CONTAINERD: DebianPackage = {
  name: "containerd",
  version: "1.6.20~ds1-1+deb12u3",
  files: {
    x64: { sha256: "8669d264eeb0fcdb4a0b1ba436ab88ec5dafde4a66e1278ec279d830db4c2216", bytes: 25_903_404 },
    arm64: { sha256: "b946c7da94211c925fe8ed26fc0df4db045a976d7c8266c2ac107475a4ebee0f", bytes: 15_438_684 },
  },
}

const RUNC: DebianPackage = {
  name: "runc",
  version: "1.1.5+ds1-1+deb12u1",
  files: {
    x64: { sha256: "a00351f8c0318de0b424ecf5cd0fdb69880a89f3511cae4f6fff7de3e57881c5", bytes: 2_709_960 },
    arm64: { sha256: "9cd43580a5e01bbcb57b662aa94df63914ffde088e9f739324cf0d6fb87c38c0", bytes: 2_337_376 },
  },
}

const CNI: DebianPackage = {
  name: "containernetworking-plugins",
  version: "1.1.1+ds1-3+b5",
  files: {
    x64: { sha256: "4cac8143474d1249b19f7b0e80b8d0daaa6dfdaa8bd514bc468d38d4a108099f", bytes: 6_768_984 },
    arm64: { sha256: "dc9a948009450ff64b37dd45afe65b135ddc44df19c3ac8a40337eb9d5071ddb", bytes: 6_026_020 },
  },
}

const DOCKER: DebianPackage = {
  name: "docker.io",
  version: "20.10.24+dfsg1-1+deb12u1+b6",
  files: {
    x64: { sha256: "daf8ff8f7aa53e8533d38e386fcc2a11e8f3891210776fb78a84b98feb4eea0e", bytes: 36_256_664 },
    arm64: { sha256: "6db2efc4b346ad726c90bdecb630f02a4df884840c4a7e8fd44d92df313ae26c", bytes: 27_505_880 },
  },
}

const TINI: DebianPackage = {
  name: "tini",
  version: "0.19.0-1+b3",
  files: {
    x64: { sha256: "7d1947665fa40e55f218fefad773dc6de66458d0b39eaa292cdcadfc7c996632", bytes: 267_204 },
    arm64: { sha256: "335dee1e36c0bf61f11c9fe9740012966a3183bd50405b73ed19477293c28f7f", bytes: 223_744 },
  },
}

const DEVMAPPER: DebianPackage = {
  name: "libdevmapper1.02.1",
  version: "2:1.02.185-2",
  files: {
    x64: { sha256: "aaa78ca236055fedccf637eacf7bda02bf1980b2db668dccd202b04d0d2cfe04", bytes: 132_796 },
    arm64: { sha256: "0b4ffad17467a043dd1cb9cdbbcf8cbaf2ab88e902ae4c110a0b08d74753589b", bytes: 115_488 },
  },
}

const MMDEBSTRAP: DebianPackage = {
  name: "mmdebstrap",
  version: "1.3.5-7",
  files: {
    x64: { sha256: "0ecb8da772c8e5b7f73b59cb6d1f02d789f8bcd9a6b5f19ed548fe12c26a76ca", bytes: 113_144 },
    arm64: { sha256: "0ecb8da772c8e5b7f73b59cb6d1f02d789f8bcd9a6b5f19ed548fe12c26a76ca", bytes: 113_144 },
  },
}

const debian = (packages: DebianPackage[], launchers: Record<string, string> = {}): Package["source"] => ({
  kind: "debian",
  suite: "own",
  packages,
  launchers,
})

const etcd: Package = {
  name: "etcd",
  version: "3.4.23",
  source: debian([ETCD]),
  otherwise: "Install Debian's package `etcd-server`, or name its binary by ETCD.",
}

/** With runc and the network plugins. It finds shim and runc beside it. */
const containerd: Package = {
  name: "containerd",
  version: "1.6.20",
  source: debian([CONTAINERD, RUNC, CNI], { containerd: "usr/bin/containerd" }),
  otherwise:
    "Install Debian's packages `containerd` and `containernetworking-plugins`, and name what they hold by CONTAINERD, CTR, RUNC and CNI_PLUGINS.",
}

/** The daemon and its client. It finds the containerd that it starts beside it. */
const docker: Package = {
  name: "docker",
  version: "20.10.24",
  source: debian([DOCKER, CONTAINERD, RUNC, TINI, DEVMAPPER], { dockerd: "usr/sbin/dockerd" }),
  otherwise: "Install Debian's package `docker.io`, or name its programs by DOCKERD and DOCKER.",
}

/** Builds images without a daemon. Installed, because it starts itself again without the libraries that a launcher names. */
const buildah: Package<InstalledSource> = {
  name: "buildah",
  version: "of this system",
  source: { kind: "installed", packages: ["buildah"], paths: ["/usr/bin/buildah"], alsoNeeded: [] },
  otherwise: "As root: apt-get install --no-install-recommends buildah. Or name its binary by BUILDAH.",
}

/** Makes the base of an image out of Debian packages. */
const mmdebstrap: Package = {
  name: "mmdebstrap",
  version: "1.3.5",
  source: debian([MMDEBSTRAP]),
  otherwise: "Install Debian's package `mmdebstrap`, or name its program by MMDEBSTRAP.",
}

/** What builds images and runs containers on one machine. */
export const NODE = {
  etcd: { package: etcd, file: "usr/bin/etcd" },
  containerd: { package: containerd, file: "containerd" },
  ctr: { package: containerd, file: "usr/bin/ctr" },
  runc: { package: containerd, file: "usr/sbin/runc" },
  /** A folder. */
  "cni-plugins": { package: containerd, file: "usr/lib/cni" },
  dockerd: { package: docker, file: "dockerd" },
  docker: { package: docker, file: "usr/bin/docker" },
  buildah: { package: buildah },
  mmdebstrap: { package: mmdebstrap, file: "usr/bin/mmdebstrap" },
} satisfies Record<string, Component>
