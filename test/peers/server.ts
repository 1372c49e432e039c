import { type ChildProcess, spawn } from "node:child_process"
import { once } from "node:events"
import { systemClock } from "../../mesh/clock.ts"
import { freePort } from "../live/rig/free-port.ts"

/** A server of somebody else's that runs on loopback for a test. */
export interface PeerServer {
  readonly url: string
  stop(): Promise<void>
}

export interface PeerCommand {
  readonly command: string
  readonly args: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** A path that it answers with 2xx when it is ready. */
  readonly ready: string
}

const ATTEMPT_MS = 200
const ATTEMPTS = 300

/** Starts it on a free port of 127.0.0.1 and waits until it answers. @throws Error with its last words when it does not */
export async function startPeer(make: (port: number) => PeerCommand): Promise<PeerServer> {
  const port = await freePort()
  const { command, args, env, ready } = make(port)
  const url = `http://127.0.0.1:${port}`
  const child = spawn(command, args, { env: { ...process.env, ...env }, stdio: ["ignore", "pipe", "pipe"] })
  let said = ""
  const keep = (chunk: Buffer): void => {
    said = (said + chunk.toString()).slice(-4000)
  }
  child.stdout.on("data", keep)
  child.stderr.on("data", keep)
  child.on("error", (error) => keep(Buffer.from(String(error))))
  for (let attempt = 0; attempt < ATTEMPTS && child.exitCode === null; attempt++) {
    if (await answers(`${url}${ready}`)) return { url, stop: () => ended(child) }
    await systemClock.sleep(ATTEMPT_MS)
  }
  await ended(child)
  throw new Error(`${command} ${args.join(" ")} does not answer. It said: ${said}`)
}

const answers = (url: string): Promise<boolean> =>
  fetch(url).then(
    ({ ok }) => ok,
    () => false,
  )

async function ended(child: ChildProcess): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  child.kill("SIGTERM")
  await once(child, "exit")
}
