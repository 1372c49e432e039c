import { appendFileSync } from "node:fs"
import type { Reporter, SerializedError, TestModule } from "vitest/node"

/** How many tests ended in each way. */
interface Totals {
  passed: number
  failed: number
  skipped: number
}

/**
 * What a run of tests came to. A file that could not be loaded and an error outside of every test count as one failure
 * each, so that the number is never 0 in a run that failed.
 */
function totalsOf(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): Totals {
  const totals = { passed: 0, failed: unhandledErrors.length, skipped: 0 }
  for (const testModule of modules) {
    totals.failed += testModule.errors().length
    for (const suite of testModule.children.allSuites()) totals.failed += suite.errors().length
    for (const test of testModule.children.allTests()) {
      const { state } = test.result()
      // what never ran was interrupted, or its `beforeAll` failed
      totals[state === "pending" ? "failed" : state]++
    }
  }
  return totals
}

/** Why a run that vitest calls good is none: a test that did not run proves nothing. */
function hollow({ passed, failed, skipped }: Totals): string | undefined {
  if (passed + failed === 0) return "no test ran"
  return skipped > 0 ? `${skipped} tests were skipped` : undefined
}

/**
 * A reporter beside vitest's own. With CI=true, a run that skipped a test or ran none fails.
 * MESHSCOPE_TEST_TOTALS names a file that gets one line a run, "passed failed": .ci/run adds them up.
 */
export class TestTotals implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], unhandledErrors: readonly SerializedError[]): void {
    const totals = totalsOf(modules, unhandledErrors)
    const file = process.env["MESHSCOPE_TEST_TOTALS"]
    const reason = process.env["CI"] === "true" ? hollow(totals) : undefined
    if (reason !== undefined) {
      totals.failed++
      process.stderr.write(`This run does not count: ${reason}.\n`)
      process.exitCode = 1
    }
    if (file) appendFileSync(file, `${totals.passed} ${totals.failed}\n`)
  }
}
