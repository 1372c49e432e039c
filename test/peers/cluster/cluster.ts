import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { command } from "../../../scripts/components/command.ts"
import { component } from "../../../scripts/components/component.ts"
import { freePort } from "../../live/rig/free-port.ts"
import { claimNetwork, releaseNetwork } from "./claim.ts"
import { containerdConfig, kubeConfig, kubeletConfig } from "./configurations.ts"
import { ADMIN_TOKEN, type Credentials, makeCredentials } from "./credentials.ts"
import { type Kube, kubeOf } from "./kube.ts"
import { argumentsOf, namespacesNow, processesOf, sweep } from "./leftovers.ts"
import { API_ADDRESS, bridgeConfig, NODE_ADDRESS, SERVICE_RANGE } from "./network.ts"
import { Program } from "./program.ts"

/** A Kubernetes of one node: every program of a real one but kube-proxy and DNS, and containers that run. */
export interface Cluster {
  readonly kube: Kube
  /** All that it keeps; removed by `stop`. */
  readonly folder: string
  /** Where its kubelet keeps the logs of pods. */
  readonly podLogs: string
  /** What was asked of the API server, one JSON object a line. */
  readonly auditLog: string
  /** For kubectl and helm. */
  readonly kubeConfig: string
  importImage(archive: string): Promise<void>
  /** Processes in its containers whose arguments, each ended by a zero byte, hold these words. */
  processes(words: string): readonly number[]
  /** What its programs said last, for a failure's message. */
  words(): string
  /** Ends everything that it started and takes its mounts and addresses away. */
  stop(): Promise<void>
}

const NODE_NAME = "node-1"

/** @param sandboxImage runs beside the containers of each pod to keep their network; it must be imported before pods come */
export async function startCluster(sandboxImage: string): Promise<Cluster> {
  const starting = new Starting(sandboxImage)
  await starting.claim()
  try {
    await starting.start()
    return starting
  } catch (error) {
    await starting.stop()
    throw error
  }
}

const at = (folder: string, ...names: string[]): string => join(folder, ...names)

class Starting implements Cluster {
  readonly folder = mkdtempSync(join(tmpdir(), "meshscope-k8s-"))
  readonly podLogs = at(this.folder, "pod-logs")
  readonly auditLog = at(this.folder, "audit.log")
  readonly kubeConfig: string
  readonly kube: Kube
  readonly #sandboxImage: string
  readonly #credentials: Credentials
  readonly #socket = at(this.folder, "run/containerd.sock")
  readonly #programs: Program[] = []
  readonly #before = namespacesNow()
  #ctr = ""

  constructor(sandboxImage: string) {
    this.#sandboxImage = sandboxImage
    for (const name of ["run", "log", "cni", "network", "kubelet", "pod-logs"])
      mkdirSync(at(this.folder, name))
    this.#credentials = makeCredentials(this.folder, API_ADDRESS)
    const server = `https://${API_ADDRESS}`
    this.kubeConfig = this.#file("kubeconfig.json", kubeConfig(server, this.#credentials.ca, ADMIN_TOKEN))
    this.kube = kubeOf(this.kubeConfig, server, this.#credentials.ca)
  }

  claim(): Promise<void> {
    return claimNetwork(this.folder, this.#before)
  }

  async start(): Promise<void> {
    this.#ctr = await component("ctr")
    const [, server] = await Promise.all([this.#containerd(), this.#control()])
    await this.#run("kube-controller-manager", [
      `--kubeconfig=${this.kubeConfig}`,
      `--service-account-private-key-file=${this.#credentials.accounts}`,
      `--root-ca-file=${this.#credentials.ca}`,
      "--leader-elect=false",
      "--secure-port=0",
    ])
    await this.#run("kube-scheduler", [
      `--kubeconfig=${this.kubeConfig}`,
      "--leader-elect=false",
      "--secure-port=0",
    ])
    await this.#kubelet()
    await server.until("the default account exists", async () => {
      await this.kube.get("/api/v1/namespaces/default/serviceaccounts/default")
      return true
    })
  }

  async importImage(archive: string): Promise<void> {
    await command(this.#ctr, [
      "--address",
      this.#socket,
      "--namespace",
      "k8s.io",
      "images",
      "import",
      archive,
    ])
  }

  processes(words: string): readonly number[] {
    return processesOf(this.folder).filter((pid) => argumentsOf(pid).includes(words))
  }

  words(): string {
    return this.#programs.map((program) => program.words()).join("\n\n")
  }

  async stop(): Promise<void> {
    // The kubelet first, which would start containers again.
    for (const program of this.#programs.toReversed()) await program.end()
    await sweep(this.folder, this.#before)
    releaseNetwork()
    rmSync(this.folder, { recursive: true, force: true, maxRetries: 3 })
  }

  #file(name: string, value: object | string): string {
    const file = at(this.folder, name)
    writeFileSync(file, typeof value === "string" ? value : JSON.stringify(value))
    return file
  }

  async #run(name: Parameters<typeof component>[0], args: readonly string[]): Promise<Program> {
    const program = new Program(name, await component(name), args, at(this.folder, "log", name))
    this.#programs.push(program)
    return program
  }

  async #containerd(): Promise<void> {
    this.#file("cni/10-bridge.conflist", bridgeConfig(at(this.folder, "network")))
    const plugins = await component("cni-plugins")
    const config = containerdConfig({
      folder: this.folder,
      socket: this.#socket,
      plugins,
      sandboxImage: this.#sandboxImage,
    })
    const program = await this.#run("containerd", ["--config", this.#file("containerd.toml", config)])
    await program.until("it answers", async () => {
      await command(this.#ctr, ["--address", this.#socket, "version"])
      return true
    })
  }

  /** etcd and the API server. */
  async #control(): Promise<Program> {
    const [clients, peers] = [await freePort(), await freePort()]
    const store = `http://127.0.0.1:${clients}`
    await this.#run("etcd", [
      `--data-dir=${at(this.folder, "etcd")}`,
      `--listen-client-urls=${store}`,
      `--advertise-client-urls=${store}`,
      `--listen-peer-urls=http://127.0.0.1:${peers}`,
      "--unsafe-no-fsync",
    ])
    const { ca, server, toKubelet, accounts, tokens } = this.#credentials
    const program = await this.#run("kube-apiserver", [
      `--etcd-servers=${store}`,
      `--bind-address=${API_ADDRESS}`,
      "--secure-port=443",
      `--tls-cert-file=${server.cert}`,
      `--tls-private-key-file=${server.key}`,
      `--client-ca-file=${ca}`,
      `--kubelet-client-certificate=${toKubelet.cert}`,
      `--kubelet-client-key=${toKubelet.key}`,
      "--kubelet-preferred-address-types=InternalIP",
      `--service-cluster-ip-range=${SERVICE_RANGE}`,
      "--service-account-issuer=https://kubernetes.default.svc",
      `--service-account-key-file=${accounts}`,
      `--service-account-signing-key-file=${accounts}`,
      `--token-auth-file=${tokens}`,
      "--authorization-mode=Node,RBAC",
      "--allow-privileged=true",
      `--cert-dir=${at(this.folder, "server")}`,
      `--audit-log-path=${this.auditLog}`,
      `--audit-policy-file=${this.#file("audit.json", AUDIT)}`,
    ])
    await program.until("it is ready", async () => (await this.kube.get("/readyz")) === "ok")
    return program
  }

  async #kubelet(): Promise<void> {
    const config = kubeletConfig({
      folder: this.folder,
      socket: this.#socket,
      ca: this.#credentials.ca,
      podLogs: this.podLogs,
    })
    const program = await this.#run("kubelet", [
      `--kubeconfig=${this.kubeConfig}`,
      `--config=${this.#file("kubelet.json", config)}`,
      `--root-dir=${at(this.folder, "kubelet")}`,
      `--cert-dir=${at(this.folder, "kubelet-certificates")}`,
      `--hostname-override=${NODE_NAME}`,
      `--node-ip=${NODE_ADDRESS}`,
    ])
    await program.until("the node is ready", async () =>
      isReady(await this.kube.get(`/api/v1/nodes/${NODE_NAME}`)),
    )
  }
}

/** Who asked for what, when it began: enough to count lists and watches. */
const AUDIT = {
  apiVersion: "audit.k8s.io/v1",
  kind: "Policy",
  omitStages: ["ResponseStarted", "ResponseComplete", "Panic"],
  rules: [{ level: "Metadata" }],
}

interface WithConditions {
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] }
}

/** Whether a node or pod says that it is ready. */
export const isReady = (object: unknown): boolean =>
  ((object as WithConditions).status?.conditions ?? []).some(
    ({ type, status }) => type === "Ready" && status === "True",
  )
