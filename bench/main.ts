import { fork, spawnSync } from "node:child_process"
import { once } from "node:events"
import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { component } from "../scripts/components/component.ts"
import { benchmarksPage, tableText } from "./page.ts"
import type { BenchResult } from "./result.ts"

/** Every bench file and the goals that it measures, in the order in which they run. */
const BENCHES: readonly { readonly file: string; readonly goals: readonly string[] }[] = [
  { file: "stats.ts", goals: ["P1", "P3", "P4"] },
  { file: "access-log.ts", goals: ["P5", "P6"] },
  { file: "entries.ts", goals: ["P5"] },
  { file: "account.ts", goals: ["P7"] },
  { file: "resolve.ts", goals: ["P7b"] },
  { file: "line.ts", goals: ["P7c"] },
  { file: "render.ts", goals: ["P8"] },
  { file: "commit.ts", goals: ["P9"] },
  { file: "store.ts", goals: ["P9", "P10"] },
  { file: "otlp.ts", goals: ["P11"] },
  { file: "otlp-in.ts", goals: ["P11"] },
  { file: "otlp-spans.ts", goals: ["P11"] },
  { file: "idle.ts", goals: ["P12"] },
  { file: "xray.ts", goals: ["X-Ray"] },
  { file: "first-line.ts", goals: ["P16"] },
  { file: "cloudwatch-logs.ts", goals: ["P18"] },
]
const PAGE = join(import.meta.dirname, "../docs/benchmarks.md")

const say = (text: string): void => {
  process.stderr.write(`${text}\n`)
}

/** `npm run bench`, or `npm run bench -- P5 P7`. A whole run is written to docs/benchmarks.md. */
async function main(words: readonly string[]): Promise<void> {
  const known = new Set(BENCHES.flatMap(({ goals }) => goals))
  const unknown = words.filter((word) => !known.has(word))
  if (unknown.length > 0) {
    say(`There is no bench of ${unknown.join(", ")}; there is one of each of ${[...known].join(", ")}.`)
    process.exitCode = 2
    return
  }
  const chosen = BENCHES.filter(
    ({ goals }) => words.length === 0 || goals.some((goal) => words.includes(goal)),
  )
  const commit = commitText()
  const env = { ...process.env, ...(await mtail(chosen.some(({ file }) => file === "access-log.ts"))) }
  const results: BenchResult[] = []
  const failed: string[] = []
  for (const [index, { file, goals }] of chosen.entries()) {
    say(`${index + 1} of ${chosen.length}: ${goals.join(", ")} (bench/${file})`)
    const got = await run(file, env)
    if (got === undefined) failed.push(file)
    else results.push(...got)
  }
  process.stdout.write(tableText(results))
  if (failed.length > 0) {
    say(`These did not end well: ${failed.join(", ")}.`)
    process.exitCode = 1
  } else if (words.length === 0) {
    await writeFile(PAGE, benchmarksPage(results, new Date(), commit))
    say("Written: docs/benchmarks.md")
  }
}

/** A process of its own, so that no bench finds code or memory that another left behind. */
async function run(file: string, env: NodeJS.ProcessEnv): Promise<readonly BenchResult[] | undefined> {
  const child = fork(join(import.meta.dirname, file), {
    execArgv: ["--expose-gc"],
    stdio: ["ignore", "ignore", "inherit", "ipc"],
    env,
  })
  let results: readonly BenchResult[] | undefined
  child.on("message", (message: readonly BenchResult[]) => {
    results = message
  })
  const [code] = await once(child, "exit")
  return code === 0 ? results : undefined
}

function git(...words: string[]): string {
  const cwd = join(import.meta.dirname, "..")
  return (spawnSync("git", words, { cwd, encoding: "utf8" }).stdout ?? "").trim()
}

/** Asked before the benches run; the page itself does not count as changed. */
function commitText(): string {
  const id = git("rev-parse", "--short", "HEAD")
  if (id === "") return "of an unknown commit"
  const changed = git("status", "--porcelain", "--", ".", ":!docs/benchmarks.md") !== ""
  return `commit ${id}${changed ? " with changes that are not committed" : ""}`
}

/** Without it the access-log bench leaves that peer out. */
async function mtail(wanted: boolean): Promise<{ MTAIL?: string }> {
  if (!wanted) return {}
  try {
    return { MTAIL: await component("mtail") }
  } catch (error) {
    say(`Without mtail: ${error instanceof Error ? error.message : String(error)}`)
    return {}
  }
}

await main(process.argv.slice(2))
