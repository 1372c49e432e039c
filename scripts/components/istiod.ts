import { mkdir, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { command } from "./command.ts"
import { type GoWork, obtainGo, rewrite } from "./go-module.ts"
import type { IstiodSource } from "./source.ts"

const CONTROL_PLANE = "github.com/envoyproxy/go-control-plane"

/** Its go.mod names commits of these that are not served; later releases of the same modules are. */
const SERVED = ["istio.io/api@v1.31.1", "istio.io/client-go@v1.31.1", `${CONTROL_PLANE}/envoy@v1.38.0`]

/**
 * What istiod names of go-control-plane/contrib, which is not served at all: a filter and two key providers of Envoys that
 * are not ours. Package below contrib -> its type.
 */
const CONTRIB: Record<string, string> = {
  "envoy/extensions/filters/network/mysql_proxy/v3": "MySQLProxy",
  "envoy/extensions/private_key_providers/cryptomb/v3alpha": "CryptoMbPrivateKeyMethodConfig",
  "envoy/extensions/private_key_providers/qat/v3alpha": "QatPrivateKeyMethodConfig",
}

/** Builds Istio's control plane without what cannot be had: it configures Envoys as ever, but for these three types. */
export function obtainIstiod({ istio }: IstiodSource, folder: string, go: GoWork): Promise<void> {
  return obtainGo(istio, folder, go, async (copy) => {
    const contrib = join(copy, "contrib")
    await writeContrib(contrib)
    // this list names every filter of contrib, only so that their protobuf types are linked
    await rewrite(join(copy, "pkg/config/xds/filter_types.gen.go"), (text) =>
      text.replaceAll(/^.*go-control-plane\/contrib.*\n/gm, ""),
    )
    const required = SERVED.map((module) => `-require=${module}`)
    const options = { cwd: copy, env: go.env }
    await command("go", ["mod", "edit", ...required, `-replace=${CONTROL_PLANE}/contrib=./contrib`], options)
  })
}

async function writeContrib(folder: string): Promise<void> {
  for (const [path, type] of Object.entries(CONTRIB)) {
    await mkdir(join(folder, path), { recursive: true })
    const name = path.split("/").slice(-2).join("")
    await writeFile(join(folder, path, "type.go"), goType(name, type))
  }
  await writeFile(join(folder, "go.mod"), `module ${CONTROL_PLANE}/contrib\n\ngo 1.23\n`)
}

/** A message of protobuf as far as istiod's source fills it in. */
const goType = (name: string, type: string): string => `package ${name}

import (
	core "${CONTROL_PLANE}/envoy/config/core/v3"
	"google.golang.org/protobuf/types/known/durationpb"
	"google.golang.org/protobuf/types/known/emptypb"
)

type ${type} struct {
	*emptypb.Empty
	PollDelay  *durationpb.Duration
	PrivateKey *core.DataSource
	StatPrefix string
}
`
