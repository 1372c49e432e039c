import { execFile } from "node:child_process"
import { readFileSync } from "node:fs"
import { writeFile } from "node:fs/promises"
import { request } from "node:https"
import { dirname, join } from "node:path"
import { command } from "../../../scripts/components/command.ts"
import { component } from "../../../scripts/components/component.ts"
import { ADMIN_TOKEN } from "./credentials.ts"

/** The API server as its administrator sees it. */
export interface Kube {
  /** JSON, or the text where it is none. @throws Error with the server's words for anything but 2xx */
  get(path: string): Promise<unknown>
  send(method: "POST" | "PUT" | "PATCH" | "DELETE", path: string, body?: object): Promise<unknown>
  apply(objects: readonly object[]): Promise<void>
  /** Runs a command in a container. @returns its standard output, whatever its exit code */
  exec(namespace: string, pod: string, words: readonly string[]): Promise<string>
}

export function kubeOf(kubeConfig: string, server: string, caFile: string): Kube {
  const ca = readFileSync(caFile, "utf8")
  const kubectl = async (...words: string[]): Promise<string> =>
    command(await component("kubectl"), ["--kubeconfig", kubeConfig, ...words])
  let files = 0
  return {
    get: (path) => asked({ url: server + path, ca, method: "GET" }),
    send: (method, path, body) => asked({ url: server + path, ca, method, body }),
    async apply(objects) {
      const file = join(dirname(kubeConfig), `apply-${files++}.json`)
      await writeFile(file, JSON.stringify({ apiVersion: "v1", kind: "List", items: objects }))
      await kubectl("apply", "--server-side", "--filename", file)
    },
    async exec(namespace, pod, words) {
      const all = ["--kubeconfig", kubeConfig, "exec", "--namespace", namespace, pod, "--", ...words]
      return saidBy(await component("kubectl"), all)
    },
  }
}

const WORDS_BYTES = 10_000_000

const saidBy = (program: string, words: readonly string[]): Promise<string> =>
  new Promise((resolve, reject) => {
    execFile(program, words, { maxBuffer: WORDS_BYTES }, (error, said, complaint) => {
      if (said === "" && error !== null) reject(new Error(`${words.join(" ")}: ${complaint}`))
      else resolve(said)
    })
  })

interface Asked {
  readonly url: string
  readonly ca: string
  readonly method: string
  readonly body?: object | undefined
}

function asked({ url, ca, method, body }: Asked): Promise<unknown> {
  const type = method === "PATCH" ? "application/merge-patch+json" : "application/json"
  const headers = { authorization: `Bearer ${ADMIN_TOKEN}`, "content-type": type }
  return new Promise((resolve, reject) => {
    const asking = request(url, { method, ca, headers, agent: false, timeout: 10_000 }, (response) => {
      let text = ""
      response.setEncoding("utf8").on("data", (chunk: string) => {
        text += chunk
      })
      response.on("error", reject)
      response.on("end", () => {
        const isWell = Math.floor((response.statusCode ?? 0) / 100) === 2
        if (!isWell) reject(new Error(`${method} ${url}: ${text}`))
        else resolve(text.startsWith("{") ? JSON.parse(text) : text)
      })
    })
    asking.on("timeout", () => asking.destroy(new Error(`${method} ${url}: no answer in time`)))
    asking.on("error", reject)
    asking.end(body === undefined ? undefined : JSON.stringify(body))
  })
}
