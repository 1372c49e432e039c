import type { Component, Package } from "../source.ts"

const OTHERWISE = "Install Go 1.26 or newer, or name a binary of yours by the component's variable."

const kubeconform: Package = {
  name: "kubeconform",
  version: "0.8.0",
  source: {
    kind: "go",
    module: "github.com/yannh/kubeconform",
    version: "v0.8.0",
    sum: "h1:loDYd3a3spjIFrauqW67CDKF55Oo9R6uvC8AvpVd4ug=",
    tags: "",
    ldflags: "-X main.version=v0.8.0",
    commands: { kubeconform: "./cmd/kubeconform" },
  },
  otherwise: OTHERWISE,
}

const helm: Package = {
  name: "helm",
  version: "4.3.1",
  source: {
    kind: "go",
    module: "helm.sh/helm/v4",
    version: "v4.3.1",
    sum: "h1:UndCoLe9UPmNoL7IvWzaUXveL7T5t/ijoorEmgJdI9g=",
    tags: "",
    ldflags: "-X helm.sh/helm/v4/internal/version.version=v4.3.1",
    commands: { helm: "./cmd/helm" },
  },
  otherwise: OTHERWISE,
}

const python = (name: string, version: string, bytes: number): Package => ({
  name,
  version,
  source: {
    kind: "python",
    requirements: `${name}.txt`,
    bytes,
    launcher: `${name.replace("-", "_")}.py`,
  },
  otherwise: `Install ${name} ${version} yourself and name its program by its variable.`,
})

/** What renders charts and reads templates. */
export const DEPLOYMENT = {
  kubeconform: { package: kubeconform, file: "kubeconform" },
  "cfn-lint": { package: python("cfn-lint", "1.58.0", 145_000_000), file: "cfn-lint" },
  checkov: { package: python("checkov", "3.3.30", 290_000_000), file: "checkov" },
  helm: { package: helm, file: "helm" },
} satisfies Record<string, Component>
