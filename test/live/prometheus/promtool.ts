import { spawn } from "node:child_process"
import { once } from "node:events"
import type { ComponentName } from "../../../scripts/components/catalogue.ts"
import { component } from "../../../scripts/components/component.ts"

/** How `promtool check metrics` ends on a page, and all that it says: 0 and nothing when it has no complaint. */
export async function checkMetrics(
  promtool: ComponentName & `promtool${string}`,
  page: string,
): Promise<{ readonly code: number | null; readonly said: string }> {
  const child = spawn(await component(promtool), ["check", "metrics"])
  let said = ""
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding("utf8").on("data", (text: string) => (said += text))
  child.stdin.end(page)
  await once(child, "close")
  return { code: child.exitCode, said }
}
