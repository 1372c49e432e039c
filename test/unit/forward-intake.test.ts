import { spawn } from "node:child_process"
import { createHash } from "node:crypto"
import { once } from "node:events"
import { access, mkdtemp, rm, writeFile } from "node:fs/promises"
import { connect, createServer, type NetConnectOpts, type Socket } from "node:net"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterEach, beforeEach, expect, test } from "vitest"
import { ByteBudget } from "../../agent/collect/receive/byte-budget.ts"
import { ForwardIntake } from "../../agent/collect/receive/forward-intake.ts"
import { ForwardMessages } from "../../agent/intakes/forward-connection.ts"
import { forwarded, pack } from "../fixtures/forward/packing.ts"

const ends: (() => unknown)[] = []
let folder = ""

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "forward-intake-"))
  ends.push(() => rm(folder, { recursive: true, force: true }))
})
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

const LISTENING = "require('node:net').createServer().listen(process.argv[1], () => console.log('listens'))"
const NONCE = Buffer.from("0123456789abcdef")

async function stand({ socket, sharedKey }: { readonly socket?: string; readonly sharedKey?: string } = {}) {
  const lines: string[] = []
  const budget = new ByteBudget(100_000)
  const intake = new ForwardIntake(
    { listen: { host: "127.0.0.1", port: 0 }, socket, maxConnections: 10 },
    {
      opened: (send, count) =>
        new ForwardMessages({
          budget,
          limits: { maxMessageBytes: 10_000, maxInflatedBytes: 10_000 },
          secret: sharedKey === undefined ? undefined : { sharedKey, nonce: NONCE, hostName: "agent" },
          isFull: () => lines.length >= 3,
          visitor: () => ({
            record: ({ bytes, spans }) => void lines.push(bytes.toString("utf8", spans[0], spans[1])),
            other: () => undefined,
          }),
          acknowledge: (chunk) => send(Buffer.from(`ack ${chunk}`)),
          send,
          count,
        }),
      failed: (error) => expect.unreachable(String(error)),
    },
  )
  ends.push(() => intake.stop())
  const address = await intake.start()
  return { intake, lines, budget, port: Number(new URL(address).port) }
}

async function joined(to: NetConnectOpts): Promise<Socket> {
  const socket = connect(to)
  socket.on("error", () => undefined)
  ends.push(() => socket.destroy())
  await once(socket, "connect")
  return socket
}

test("lines come by TCP and by a Unix socket, and are acknowledged", async () => {
  const path = join(folder, "forward.sock")
  const { lines, port, intake } = await stand({ socket: path })
  for (const to of [{ host: "127.0.0.1", port }, { path }]) {
    const socket = await joined(to)
    socket.write(forwarded("forward", [{ log: "a" }], { chunk: "c" }))
    const [answer] = await once(socket, "data")
    expect(String(answer)).toBe("ack c")
  }
  expect(lines).toEqual(["a", "a"])
  expect(intake.counters().requests).toMatchObject({ ok: 2 })
})

test("a socket that a killed agent left is taken over, one where somebody listens is not, nor a file", async () => {
  const path = join(folder, "forward.sock")
  const other = createServer().listen(path)
  await once(other, "listening")
  await expect(stand({ socket: path })).rejects.toMatchObject({ code: "LISTEN_FAILED" })
  other.close()
  const killed = spawn(process.execPath, ["-e", LISTENING, path], { stdio: ["ignore", "pipe", "inherit"] })
  await once(killed.stdout, "data")
  killed.kill("SIGKILL")
  await once(killed, "exit")
  const { lines } = await stand({ socket: path })
  const socket = await joined({ path })
  socket.write(forwarded("forward", [{ log: "a" }]))
  await expect.poll(() => lines).toEqual(["a"])
  await writeFile(join(folder, "file"), "x")
  await expect(stand({ socket: join(folder, "file") })).rejects.toThrow("receive.forward.socket")
  await access(join(folder, "file"))
})

test("what is no message ends its connection, is counted, and holds nothing", async () => {
  const { intake, port, budget } = await stand()
  const socket = await joined({ host: "127.0.0.1", port })
  socket.write(Buffer.concat([pack("GET / HTTP/1.1")]))
  await once(socket, "close")
  const long = await joined({ host: "127.0.0.1", port })
  long.write(Buffer.from([0xdd, 0, 1, 0, 0]))
  await once(long, "close")
  expect(intake.counters().requests).toMatchObject({ malformed: 1, too_large: 1 })
  await expect.poll(() => budget.held).toBe(0)
})

test("half a message of a sender that leaves is forgotten", async () => {
  const { lines, port, budget } = await stand()
  const socket = await joined({ host: "127.0.0.1", port })
  socket.write(forwarded("forward", [{ log: "a" }]).subarray(0, -1))
  await expect.poll(() => budget.held).toBeGreaterThan(0)
  socket.destroy()
  await expect.poll(() => budget.held).toBe(0)
  expect(lines).toEqual([])
})

test("while nothing more can be acknowledged nothing more is read", async () => {
  const { intake, lines, port } = await stand()
  const socket = await joined({ host: "127.0.0.1", port })
  for (const log of ["a", "b", "c", "d"]) socket.write(forwarded("forward", [{ log }]))
  await once(socket, "close")
  expect(lines).toEqual(["a", "b", "c"])
  expect(intake.counters().requests).toMatchObject({ ok: 3, busy: 1 })
})

const sha = (...parts: (string | Buffer)[]): string =>
  parts.reduce((hash, part) => hash.update(part), createHash("sha512")).digest("hex")

test.each([
  ["secret", ["a"]],
  ["another", []],
])("who says the shared key %s is heard accordingly", async (key, wanted) => {
  const { lines, port } = await stand({ sharedKey: "secret" })
  const socket = await joined({ host: "127.0.0.1", port })
  const [helo] = await once(socket, "data")
  expect(String(helo)).toContain("HELO")
  const ping = pack(["PING", "sender", "salt", sha("salt", "sender", NONCE, key), "", ""])
  // Whoever is turned away is not heard, though it had sent on.
  socket.write(Buffer.concat([ping, forwarded("forward", [{ log: "a" }], { chunk: "c" })]))
  const [pong] = await once(socket, "data")
  expect(String(pong)).toContain("PONG")
  if (wanted.length === 0) await once(socket, "close")
  expect(lines).toEqual(wanted)
})
