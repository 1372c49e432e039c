import { systemClock } from "#mesh/clock.ts"
import { EXIT } from "./command.ts"
import { interruption } from "./interruption.ts"
import { runProgram } from "./program.ts"

// A reader that went away (`| head`) is no failure.
process.stdout.on("error", (error: NodeJS.ErrnoException) => {
  process.exit(error.code === "EPIPE" ? EXIT.ok.code : EXIT.failed.code)
})

const exit = await runProgram(process.argv.slice(2), {
  out: (text) => process.stdout.write(text),
  error: (text) => process.stderr.write(text),
  tty: process.stdout.isTTY,
  columns: process.stdout.columns,
  env: process.env,
  system: `Node ${process.versions.node}, ${process.platform} ${process.arch}`,
  clock: systemClock,
  signal: interruption(process, systemClock),
})
process.exitCode = EXIT[exit].code
