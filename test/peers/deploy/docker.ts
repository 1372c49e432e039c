import { spawn } from "node:child_process"
import { once } from "node:events"
import { existsSync } from "node:fs"
import { mkdtemp, readFile, rm } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { command } from "../../../scripts/components/command.ts"
import { component } from "../../../scripts/components/component.ts"

/** A Docker daemon of the test's own, without a network of its own: containers use the host's. */
export interface Docker {
  /** Runs one command of its client and gives what it says. */
  run(...words: string[]): Promise<string>
  stop(): Promise<void>
}

const PATIENCE_MS = 60_000

/** Needs root. */
export async function startDocker(): Promise<Docker> {
  const folder = await mkdtemp(join(tmpdir(), "meshscope-docker-"))
  const socket = join(folder, "socket")
  const places = ["--data-root", join(folder, "data"), "--exec-root", join(folder, "exec")]
  const words = [...places, "--pidfile", join(folder, "pid"), "--bridge=none", "--iptables=false"]
  const client = await component("docker")
  const daemon = spawn(await component("dockerd"), [...words, "--host", `unix://${socket}`], {
    stdio: ["ignore", "ignore", "pipe"],
  })
  let said = ""
  daemon.stderr.on("data", (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4000)))
  const run = (...more: string[]): Promise<string> => command(client, ["--host", `unix://${socket}`, ...more])
  const stop = async (): Promise<void> => {
    if (daemon.exitCode === null && daemon.pid !== undefined) {
      daemon.kill("SIGTERM")
      await once(daemon, "exit")
    }
    // It leaves the network namespace of the host mounted there
    await command("umount", [join(folder, "exec/netns/default")]).catch(() => "")
    await rm(folder, { recursive: true, force: true })
  }
  const until = performance.now() + PATIENCE_MS
  while (
    !existsSync(socket) ||
    !(await run("version").then(
      () => true,
      () => false,
    ))
  ) {
    if (daemon.exitCode !== null || performance.now() > until) {
      await stop()
      throw new Error(`dockerd did not start: ${said}`)
    }
    await sleep(200)
  }
  return { run, stop }
}

/** The lines that a container's process wrote, both streams. */
export async function containerLog(docker: Docker, id: string): Promise<string> {
  const file = (await docker.run("inspect", "--format", "{{.LogPath}}", id)).trim()
  return readFile(file, "utf8")
}
