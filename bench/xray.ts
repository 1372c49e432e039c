import { fork } from "node:child_process"
import { createSocket } from "node:dgram"
import { once } from "node:events"
import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "#mesh/clock.ts"
import { startXrayUdp, type XrayUdp } from "../agent/collect/receive/xray-udp.ts"
import { makeXrayDecoder } from "../agent/decode/spans/xray.ts"
import { openQueue } from "../agent/publish/queue/open-queue.ts"
import { makeQueueBudget } from "../agent/publish/queue/queue-budget.ts"
import { makeXrayEncoder } from "../agent/publish/xray/encoder.ts"
import { captured } from "../test/fixtures/spans/captured.ts"
import { demoNames } from "../test/fixtures/xray/demo-documents.ts"
import { type BenchResult, printAlone } from "./result.ts"

const SEGMENTS = 10_000
const ROUNDS = 6
/** So many are on their way at once: they fit into a receive buffer that nobody has raised. */
const WINDOW = 50
/** README of aws-xray-daemon, "Performance Report": 4,000 segments/s take 38.3 % of the core of a t2.micro, and 29.5 MB. */
const DAEMON_US = 383_000 / 4000
const DAEMON_MB = 29.5

/** X-Ray in: what one segment costs from the socket to the queue, beside what the daemon's authors measured of theirs. */
async function xrayBench(): Promise<BenchResult[]> {
  const path = makePath()
  const udp = await startXrayUdp(
    { listen: { host: "127.0.0.1", port: 0 }, receiveBufferBytes: 8 * 1024 ** 2, share: 1 },
    { clock: systemClock, document: (bytes) => path.document(bytes) },
  )
  const bare = process.memoryUsage.rss()
  const sender = fork(import.meta.filename, ["send", String(udp.address.port)])
  let best = Infinity
  for (let round = 0; round <= ROUNDS; round++) {
    const used = await cpuUsOf(() => receive(udp, sender))
    path.commit()
    if (round > 0) best = Math.min(best, used / SEGMENTS)
  }
  const memory = (process.memoryUsage.rss() - bare) / 1e6
  sender.kill()
  await udp.stop()
  path.close()
  const { passed, kernelDropped } = udp.counters()
  if (passed !== SEGMENTS * (ROUNDS + 1) || path.queued() !== passed || kernelDropped > 0)
    throw new Error(
      `${passed} segments came, ${path.queued()} were queued, ${kernelDropped} lost in the kernel`,
    )
  return [
    {
      id: "X-Ray in",
      what: `a segment from Envoy: received by UDP, read, named, written and queued (${(1e6 / best).toFixed(0)} a second on a core), against the X-Ray daemon`,
      unit: "us CPU",
      ours: best,
      peer: DAEMON_US,
      beside:
        "the peer's number is its authors' (4,000 a second at 38.3 % of a t2.micro's core), so of another machine; it neither reads nor names segments, but sends them on. That every segment was queued is checked",
      goal: { most: DAEMON_US },
    },
    {
      id: "X-Ray in, memory",
      what: "resident memory that it takes beside Node and what is loaded, against the whole X-Ray daemon",
      unit: "MB",
      ours: memory,
      peer: DAEMON_MB,
      beside:
        "the peer's number is its authors', of the whole process; ours is the growth from the start of the first round",
    },
  ]
}

function makePath() {
  const folder = mkdtempSync(join(tmpdir(), "meshscope-xray-bench-"))
  const joined: { save(): unknown }[] = []
  const queue = openQueue({
    folder,
    sink: "xray",
    budget: makeQueueBudget(),
    participantHost: {
      join: (participant) => void joined.push(participant),
      restored: () => undefined,
    },
  })
  const names = demoNames()
  const encoder = makeXrayEncoder({ logGroup: (mesh) => `/mesh/${mesh}` }, queue)
  const decoder = makeXrayDecoder()
  return {
    document(bytes: Buffer) {
      decoder.decode(bytes, (span) => encoder.span(names.name(span)))
    },
    commit(): void {
      for (const participant of joined) participant.save()
      queue.committed()
    },
    queued: () => encoder.counters().documents,
    close(): void {
      rmSync(folder, { recursive: true })
    },
  }
}

async function cpuUsOf(work: () => Promise<void>): Promise<number> {
  const before = process.cpuUsage()
  await work()
  const { user, system } = process.cpuUsage(before)
  return user + system
}

async function receive(udp: XrayUdp, sender: ReturnType<typeof fork>): Promise<void> {
  for (let sent = 0; sent < SEGMENTS; sent += WINDOW) {
    const goal = udp.counters().received + WINDOW
    sender.send(WINDOW)
    for (const end = Date.now() + 5000; udp.counters().received < goal; ) {
      if (Date.now() > end) throw new Error("segments did not arrive")
      await systemClock.sleep(1)
    }
  }
}

/** The other process: sends so many as it is told, each with ids of its own. */
async function send(port: number): Promise<void> {
  const socket = createSocket("udp4")
  socket.connect(port, "127.0.0.1")
  await once(socket, "connect")
  const datagrams = captured("xray", "fine").map((datagram) => datagram.toString())
  let count = 0
  process.on("message", (many: number) => {
    for (let sent = 0; sent < many; sent++) {
      const id = (++count).toString(16).padStart(16, "0")
      const datagram = datagrams[count % datagrams.length] ?? ""
      socket.send(datagram.replace(/"id":"\w{16}"/, `"id":"${id}"`).replace(/-\w{24}"/, `-${id}00000000"`))
    }
  })
}

if (process.argv[2] === "send") await send(Number(process.argv[3]))
else if (import.meta.main) await printAlone(xrayBench)
