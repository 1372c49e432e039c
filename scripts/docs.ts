import { mkdir, writeFile } from "node:fs/promises"
import { configPage } from "../cli/config-page.ts"
import { errorsPage } from "./docs/errors-page.ts"
import { metricsPage } from "./docs/metrics-page.ts"

/** Text of every page under docs/ that is made from code, by file name. */
export async function madePages(): Promise<Readonly<Record<string, string>>> {
  return { "config.md": await configPage(), "metrics.md": metricsPage(), "errors.md": errorsPage() }
}

// Run by hand after a change: node scripts/docs.ts. The golden test says when.
if (import.meta.main) {
  await mkdir("docs", { recursive: true })
  for (const [name, text] of Object.entries(await madePages())) await writeFile(`docs/${name}`, text)
}
