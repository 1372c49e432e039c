import { mkdir, rm } from "node:fs/promises"
import { join } from "node:path"
import { command } from "./command.ts"
import { type GoWork, goBuild, obtainGo } from "./go-module.ts"
import type { CollectorSource } from "./source.ts"

/** Builds an OpenTelemetry Collector from the manifest's parts: the builder writes its source, Go compiles it. */
export async function obtainCollector(
  { builder, manifest }: CollectorSource,
  folder: string,
  go: GoWork,
): Promise<void> {
  const work = join(folder, ".builder")
  await mkdir(work)
  await obtainGo(builder, work, go)
  const config = join(import.meta.dirname, manifest)
  // The builder writes the source, then runs `go mod tidy`, which asks for modules that only tests of tests use; some are
  // not served. So a failure here says nothing: whether the source is complete is seen when Go compiles it.
  const options = { cwd: work, env: go.env }
  await command(join(work, "ocb"), ["--config", config, "--skip-compilation"], options).catch(() => "")
  await goBuild(
    { cwd: join(work, "source"), output: join(folder, "otelcol"), what: ".", flags: ["-ldflags", "-s -w"] },
    go,
  )
  await rm(work, { recursive: true })
}
