import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http"
import { createServer as createSecureServer } from "node:https"
import type { KubeResource } from "../../../kubernetes/contract.ts"
import { onLoopback } from "../../fixtures/http/loopback.ts"
import { type ApiPath, apiPath } from "./api-path.ts"
import { Lists } from "./lists.ts"
import { queryOf } from "./query.ts"
import { forbidden, Refusal, statusOf } from "./status.ts"
import { kindKey, Store } from "./store.ts"
import { Watches } from "./watches.ts"

export const PODS: KubeResource = { group: "", version: "v1", plural: "pods" }
export const NAMESPACES: KubeResource = { group: "", version: "v1", plural: "namespaces" }

export interface FakeKubeOptions {
  /** Absent: plain http. PEM; with `ca` a client needs a certificate of it. */
  readonly tls?: { readonly cert: string; readonly key: string; readonly ca?: string }
  /** 0: a free one. */
  readonly port?: number
}

/** What was asked for. */
export interface SeenRequest {
  readonly verb: "list" | "watch" | "get"
  /** As `pods.v1`, or the path of what is no object. */
  readonly kind: string
  readonly query: string
  readonly status: number
}

/** One answer in place of the usual one. */
export interface Trouble {
  readonly verb: SeenRequest["verb"]
  /** Absent: for every kind. */
  readonly plural?: string
  readonly answer:
    | { readonly status: number; readonly retryAfterSeconds?: number }
    | { readonly text: string }
    | "hang"
    | "cut"
}

/** A small API server: lists in pages, watches, and refusals as Kubernetes' own, on loopback. Only reads by HTTP. */
export interface FakeKube {
  /** Without a slash at its end. */
  readonly url: string
  readonly port: number
  readonly store: Store
  readonly watches: Watches
  /** Bearer tokens that are good; undefined: everyone may ask. */
  tokens: Set<string> | undefined
  /** Lists by their first page, pages after the first, watches, single objects, and what was refused. */
  readonly counts: { lists: number; pages: number; watches: number; gets: number; refused: number }
  readonly requests: SeenRequest[]
  /** Takes the verb away; without a namespace everywhere, with one all but that one. */
  forbid(verb: string, plural: string, allowedNamespace?: string): void
  permit(verb: string, plural: string): void
  /** Happens to the next requests that fit, each once, in this order. */
  troubles: Trouble[]
  stop(): Promise<void>
}

/** Pods and namespaces are known; other kinds are to be defined by `store.define`. */
export async function startFakeKube({ tls, port = 0 }: FakeKubeOptions = {}): Promise<FakeKube> {
  const store = new Store()
  store.define({ resource: PODS, kind: "Pod", namespaced: true })
  store.define({ resource: NAMESPACES, kind: "Namespace", namespaced: false })
  const server = new Server(store)
  const handle: RequestListener = (request, response) => server.handle(request, response)
  const asking = tls?.ca === undefined ? {} : { requestCert: true, rejectUnauthorized: true }
  const listener =
    tls === undefined ? createServer(handle) : createSecureServer({ ...tls, ...asking }, handle)
  const { url, port: taken, stop } = await onLoopback(listener, port)
  return Object.assign(server, {
    port: taken,
    url: tls === undefined ? url : url.replace("http:", "https:"),
    stop,
  })
}

type Rule = { readonly verb: string; readonly plural: string; readonly allowedNamespace: string | undefined }

class Server implements Omit<FakeKube, "url" | "port" | "stop"> {
  readonly store: Store
  readonly watches: Watches
  readonly counts = { lists: 0, pages: 0, watches: 0, gets: 0, refused: 0 }
  readonly requests: SeenRequest[] = []
  tokens: Set<string> | undefined
  troubles: Trouble[] = []
  readonly #lists: Lists
  #rules: Rule[] = []

  constructor(store: Store) {
    this.store = store
    this.watches = new Watches(store)
    this.#lists = new Lists(store)
  }

  forbid(verb: string, plural: string, allowedNamespace?: string): void {
    this.#rules.push({ verb, plural, allowedNamespace })
  }

  permit(verb: string, plural: string): void {
    this.#rules = this.#rules.filter((rule) => rule.verb !== verb || rule.plural !== plural)
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "/", "http://localhost")
    const path = apiPath(url.pathname)
    const verb = path?.name !== undefined || path === undefined ? "get" : isWatch(url) ? "watch" : "list"
    const kind = path === undefined ? url.pathname : kindKey(path.resource)
    let status = 200
    try {
      this.#authenticate(request)
      if (this.#befalls(verb, path, response)) status = response.statusCode
      else this.#answer(verb, path, url, response)
    } catch (error) {
      if (!(error instanceof Refusal)) throw error
      status = error.code
      this.counts.refused += 1
      refuse(response, error)
    }
    this.requests.push({ verb, kind, query: url.search, status })
  }

  #authenticate({ method, headers }: IncomingMessage): void {
    if (method !== "GET")
      throw new Refusal(405, "MethodNotAllowed", `the fake only reads, not ${method ?? ""}`)
    if (this.tokens === undefined) return
    const [, token = ""] = /^Bearer (\S+)$/.exec(headers.authorization ?? "") ?? []
    if (!this.tokens.has(token)) throw new Refusal(401, "Unauthorized", "Unauthorized")
  }

  #befalls(verb: SeenRequest["verb"], path: ApiPath | undefined, response: ServerResponse): boolean {
    const at = this.troubles.findIndex(
      (one) => one.verb === verb && (one.plural === undefined || one.plural === path?.resource.plural),
    )
    const [trouble] = at < 0 ? [] : this.troubles.splice(at, 1)
    if (trouble === undefined) return false
    const { answer } = trouble
    if (answer === "cut") response.destroy()
    else if (answer !== "hang" && "text" in answer) response.end(answer.text)
    else if (answer !== "hang") {
      const { status, retryAfterSeconds } = answer
      const after = retryAfterSeconds === undefined ? {} : { retryAfterSeconds }
      throw new Refusal(status, "InternalError", "trouble by the test", after)
    }
    return true
  }

  #answer(verb: SeenRequest["verb"], path: ApiPath | undefined, url: URL, response: ServerResponse): void {
    if (path === undefined) {
      if (url.pathname !== "/version") throw new Refusal(404, "NotFound", "404 page not found")
      send(response, 200, { major: "1", minor: "34", gitVersion: "v1.34.0" })
      return
    }
    const { resource, namespace, name } = path
    const definition = this.store.definitions.get(kindKey(resource))
    if (definition === undefined) throw new Refusal(404, "NotFound", "404 page not found")
    this.#permitted(verb, resource, namespace)
    if (name !== undefined) {
      this.counts.gets += 1
      const found = this.store.find(resource, name, namespace)
      if (found === undefined) throw new Refusal(404, "NotFound", `${resource.plural} "${name}" not found`)
      send(response, 200, found)
      return
    }
    const query = queryOf(url.searchParams, resource, namespace)
    if (query.watch) {
      this.counts.watches += 1
      this.watches.begin(definition, query, response)
      return
    }
    if (query.token === "") this.counts.lists += 1
    else this.counts.pages += 1
    send(response, 200, this.#lists.page(definition, query))
  }

  #permitted(verb: string, resource: KubeResource, namespace: string | undefined): void {
    const rule = this.#rules.find(
      (one) =>
        one.verb === verb &&
        one.plural === resource.plural &&
        (one.allowedNamespace === undefined || one.allowedNamespace !== namespace),
    )
    if (rule !== undefined) throw forbidden(verb, resource, namespace)
  }
}

const isWatch = ({ searchParams }: URL): boolean => ["1", "true"].includes(searchParams.get("watch") ?? "")

function refuse(response: ServerResponse, refusal: Refusal): void {
  const { retryAfterSeconds } = refusal
  if (retryAfterSeconds !== undefined) response.setHeader("retry-after", String(retryAfterSeconds))
  // What no handler is for is told as plain text.
  if (refusal.message === "404 page not found") {
    response.writeHead(404, { "content-type": "text/plain; charset=utf-8" }).end("404 page not found\n")
    return
  }
  send(response, refusal.code, statusOf(refusal))
}

function send(response: ServerResponse, status: number, body: object): void {
  response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(body))
}
