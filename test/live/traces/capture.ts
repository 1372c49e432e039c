import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { FORMS, isText } from "../../fixtures/spans/captured.ts"
import { startMesh } from "./mesh.ts"
import { startRecorder } from "./recorder.ts"
import { REQUESTS } from "./requests.ts"
import { TRACERS } from "./tracers.ts"

/** Writes test/fixtures/spans anew: what the tracers of real Envoys send for each request of `REQUESTS`. */
const FOLDER = join(import.meta.dirname, "../../fixtures/spans")
/** Zipkin and OpenTelemetry tracers hold spans back for 5 s. */
const FLUSHED_MS = 6500

for (const form of FORMS) {
  const recorder = await startRecorder()
  const mesh = await startMesh({ tracers: { "*": TRACERS[form](recorder) } })
  const told: Record<string, string[]> = {}
  try {
    for (const [request, asked] of Object.entries(REQUESTS)) {
      recorder.clear()
      const status = await mesh.ask(asked)
      await sleep(form === "xray" ? 500 : FLUSHED_MS)
      process.stderr.write(`${form} ${request}: ${status}, ${recorder.all.length} messages\n`)
      told[request] = recorder.all.map(({ body }) => body.toString(isText(form) ? "utf8" : "base64"))
    }
  } finally {
    await mesh.stop()
    await recorder.stop()
  }
  await writeFile(join(FOLDER, `${form}.json`), `${JSON.stringify(told, undefined, 1)}\n`)
}
