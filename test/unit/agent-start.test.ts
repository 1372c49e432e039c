import { spawn } from "node:child_process"
import { once } from "node:events"
import { writeFileSync } from "node:fs"
import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { join } from "node:path"
import { expect, test } from "vitest"
import { openQueue } from "../../agent/publish/queue/open-queue.ts"
import { makeQueueBudget } from "../../agent/publish/queue/queue-budget.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"

const MAIN = join(import.meta.dirname, "../../cli/main.ts")

/** A span that waits from an earlier run. */
function leaveSpan(state: string): void {
  const saves: (() => Uint8Array | undefined)[] = []
  const queue = openQueue({
    folder: join(state, "queue"),
    sink: "zipkin",
    budget: makeQueueBudget(),
    participantHost: {
      join: (participant) => void saves.push(() => participant.save()),
      restored: () => undefined,
    },
  })
  queue.append("", 1, Buffer.from("{}"))
  for (const save of saves) save()
}

test.each([["an intake's port is taken", {}, "receive.zipkin.listen"]])(
  "an agent that cannot start ends, though records wait to be sent: %s",
  { timeout: 30_000 },
  async (_, output, sentence) => {
    const folder = temporaryFolder()
    leaveSpan(join(folder, "state"))
    const taken = createServer()
    taken.listen(0, "127.0.0.1")
    await once(taken, "listening")
    const { port } = taken.address() as AddressInfo
    const file = join(folder, "agent.yaml")
    writeFileSync(
      file,
      JSON.stringify({
        agent: { state: join(folder, "state") },
        discover: { static: { targets: [] } },
        receive: { zipkin: { listen: `127.0.0.1:${port}` } },
        // Nobody is there: a try every so often.
        publish: { prometheus: { enabled: false }, zipkin: { endpoint: "http://127.0.0.1:9" }, ...output },
      }),
    )
    const child = spawn(process.execPath, [MAIN, "agent", "--config", file], {
      stdio: ["ignore", "ignore", "pipe"],
    })
    let said = ""
    child.stderr.on("data", (bytes: Buffer) => {
      said += bytes.toString()
    })
    const kill = setTimeout(() => child.kill("SIGKILL"), 15_000)
    const [code, signal] = await once(child, "close")
    clearTimeout(kill)
    taken.close()
    expect(said).toContain(sentence)
    expect([code === 0, signal]).toEqual([false, null])
  },
)
