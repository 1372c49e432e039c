import { defineConfig } from "vitest/config"
import { TestTotals } from "./scripts/test-totals.ts"

/** Real processes on loopback. They wait more than they work: two files at a time take half as long. */
const live = {
  pool: "forks",
  maxWorkers: 2,
  testTimeout: 60_000,
  hookTimeout: 180_000,
  // after the unit tests, not beside them
  sequence: { groupOrder: 1 },
} as const

export default defineConfig({
  test: {
    reporters: ["default", new TestTotals()],
    projects: [
      {
        test: {
          name: "unit",
          include: ["test/{unit,property,contract,golden}/**/*.test.ts"],
          pool: "threads",
          isolate: false,
          // no test waits for time: this is for machines that do much else
          testTimeout: 20_000,
        },
      },
      { test: { name: "live", include: ["test/live/**/*.test.ts"], ...live } },
      { test: { name: "peers", include: ["test/peers/**/*.test.ts"], ...live, hookTimeout: 1_200_000 } },
    ],
    coverage: {
      provider: "v8",
      include: ["mesh/**", "agent/**", "collector/**", "cli/**"],
      reporter: ["text-summary", "json-summary"],
    },
  },
})
