import { createSocket } from "node:dgram"
import { once } from "node:events"
import { setTimeout as sleep } from "node:timers/promises"
import { captured } from "../../fixtures/spans/captured.ts"

/**
 * Sends datagrams to a port of this host: good ones, so many a second; or as fast as it can, and among the good ones what a
 * hostile sender would think of.
 */
const [port, many, perSecond] = process.argv.slice(2).map(Number)
if (port === undefined || many === undefined) throw new Error("expects a port and how many")
const HEADER = '{"format":"json","version":1}\n'
const hostile = [
  `${HEADER}${"[".repeat(60_000)}`,
  `${HEADER}{"name":"x","id":"00000000000000aa","trace_id":"1-00000001-000000000000000000000001","start_time":1,"annotations":{${Array.from({ length: 4000 }, (_, index) => `"k${index}":1`).join(",")}}}`,
  `${HEADER}{"subsegments":[${"{},".repeat(19_000)}{}]}`,
  HEADER + "x".repeat(60_000),
  "\u0000".repeat(1000),
]
const good = captured("xray", "fine")
const datagrams = Array.from({ length: 50 }, (_, index) =>
  perSecond === undefined && index % 10 === 0
    ? Buffer.from(hostile[index / 10] ?? "")
    : (good[index % good.length] ?? Buffer.alloc(0)),
)
const socket = createSocket("udp4")
socket.connect(port, "127.0.0.1")
await once(socket, "connect")
const begun = performance.now()
for (let sent = 0; sent < many; sent += datagrams.length) {
  const dueMs = perSecond === undefined ? 0 : (sent / perSecond) * 1000
  const waitMs = begun + dueMs - performance.now()
  if (waitMs > 0) await sleep(waitMs)
  // Each batch is in the kernel before the next: a socket that sends to loopback hands over at once.
  await Promise.all(
    datagrams.map(
      (datagram) =>
        new Promise<void>((resolve, reject) => {
          socket.send(datagram, (error) => (error === null ? resolve() : reject(error)))
        }),
    ),
  )
}
socket.close()
