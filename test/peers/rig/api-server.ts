import { type ChildProcess, execFileSync, spawn } from "node:child_process"
import { once } from "node:events"
import { mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { Agent, request } from "node:https"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "../../../mesh/clock.ts"
import { component } from "../../../scripts/components/component.ts"
import { testCertificates } from "../../fixtures/http/certificates.ts"
import { freePort } from "../../live/rig/free-port.ts"
import { startPeer } from "../server.ts"

/** A real kube-apiserver on its own etcd, on loopback: no controllers, no kubelets, so nothing happens by itself. */
export interface ApiServer {
  readonly url: string
  /** File in PEM with whom to trust. */
  readonly caFile: string
  /** File with a token of who may do all. */
  readonly tokenFile: string
  /** The same as kubectl and other clients want it. */
  readonly kubeConfig: string
  /** Asks as the administrator. @throws Error with the server's words for anything but 2xx */
  send(method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: object): Promise<unknown>
  /** Kills the API server, not what it keeps, and starts it again at the same address. */
  restart(): Promise<void>
  stop(): Promise<void>
}

const READY_MS = 60_000
const ADMIN = "administrator"

/** @param more arguments of kube-apiserver beside those that it needs to run, by the folder that ends with it */
export async function startApiServer(
  more: (folder: string) => readonly string[] = () => [],
): Promise<ApiServer> {
  const folder = mkdtempSync(join(tmpdir(), "meshscope-kube-"))
  const file = (name: string, text: string): string => {
    writeFileSync(join(folder, name), text)
    return join(folder, name)
  }
  const { ca, server } = testCertificates()
  const caFile = file("ca.pem", ca)
  const accounts = join(folder, "accounts.key")
  execFileSync("openssl", ["genrsa", "-out", accounts, "2048"], { stdio: "ignore" })
  const peers = await freePort()
  const etcdBinary = await component("etcd")
  const etcd = await startPeer((port) => ({
    command: etcdBinary,
    args: [
      `--data-dir=${join(folder, "etcd")}`,
      `--listen-client-urls=http://127.0.0.1:${port}`,
      `--advertise-client-urls=http://127.0.0.1:${port}`,
      `--listen-peer-urls=http://127.0.0.1:${peers}`,
      "--unsafe-no-fsync",
    ],
    ready: "/health",
  }))
  const port = await freePort()
  const url = `https://127.0.0.1:${port}`
  const args = [
    `--etcd-servers=${etcd.url}`,
    `--secure-port=${port}`,
    "--bind-address=127.0.0.1",
    `--tls-cert-file=${file("server.pem", server.cert)}`,
    `--tls-private-key-file=${file("server.key", server.key)}`,
    "--service-cluster-ip-range=10.96.0.0/16",
    "--service-account-issuer=https://kubernetes.default.svc",
    `--service-account-key-file=${accounts}`,
    `--service-account-signing-key-file=${accounts}`,
    "--authorization-mode=Node,RBAC",
    `--token-auth-file=${file("tokens.csv", `${ADMIN},admin,1,system:masters\n`)}`,
    "--disable-admission-plugins=ServiceAccount",
    `--cert-dir=${folder}`,
    ...more(folder),
  ]
  const command = await component("kube-apiserver")
  // Thousands of objects are made in a few seconds; the server keeps idle connections for longer than we do.
  const kept = new Agent({ keepAlive: true, maxSockets: 16, timeout: 20_000, ca })
  const send: ApiServer["send"] = (method, path, body) => sent(url, kept, method, path, body)
  let running = await started(command, args, send)
  return {
    url,
    caFile,
    tokenFile: file("administrator", ADMIN),
    kubeConfig: file("kubeconfig", kubeConfigOf(url, caFile)),
    send,
    async restart() {
      await ended(running, "SIGKILL")
      kept.destroy()
      running = await started(command, args, send)
    },
    async stop() {
      kept.destroy()
      await ended(running)
      await etcd.stop()
      rmSync(folder, { recursive: true, force: true })
    },
  }
}

function kubeConfigOf(server: string, caFile: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "here", cluster: { server, "certificate-authority": caFile } }],
    users: [{ name: ADMIN, user: { token: ADMIN } }],
    contexts: [{ name: "here", context: { cluster: "here", user: ADMIN } }],
    "current-context": "here",
  })
}

async function started(
  command: string,
  args: readonly string[],
  send: ApiServer["send"],
): Promise<ChildProcess> {
  const child = spawn(command, args, { stdio: ["ignore", "ignore", "pipe"] })
  let said = ""
  child.stderr.on("data", (chunk: Buffer) => {
    said = (said + chunk.toString()).slice(-4000)
  })
  const end = performance.now() + READY_MS
  while (performance.now() < end && child.exitCode === null) {
    const ready = await send("GET", "/readyz").then(
      () => true,
      () => false,
    )
    if (ready) return child
    await systemClock.sleep(200)
  }
  await ended(child)
  throw new Error(`kube-apiserver does not answer. It said: ${said}`)
}

async function ended(child: ChildProcess, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
  if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return
  child.kill(signal)
  await once(child, "exit")
}

function sent(
  url: string,
  agent: Agent,
  method: string,
  path: string,
  body: object | undefined,
): Promise<unknown> {
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json"
  const headers = { authorization: `Bearer ${ADMIN}`, "content-type": type }
  return new Promise((resolve, reject) => {
    const asking = request(`${url}${path}`, { method, headers, agent }, (response) => {
      let text = ""
      response.setEncoding("utf8")
      response.on("data", (chunk: string) => {
        text += chunk
      })
      response.on("error", reject)
      response.on("end", () => {
        if (Math.floor((response.statusCode ?? 0) / 100) !== 2)
          reject(new Error(`${method} ${path}: ${text}`))
        else resolve(text.startsWith("{") ? JSON.parse(text) : text)
      })
    })
    asking.on("error", reject)
    asking.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
