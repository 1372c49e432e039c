import type { ServerResponse } from "node:http"
import type { KubeObject } from "../../../kubernetes/contract.ts"
import type { Query } from "./query.ts"
import { expired, Refusal, statusOf } from "./status.ts"
import { type Change, type Definition, type EventType, kindKey, type Store } from "./store.ts"

interface Watch {
  readonly definition: Definition
  readonly query: Query
  readonly response: ServerResponse
}

/** Watches that are open, and what can befall them. */
export class Watches {
  /** How a version that is forgotten is refused: the API server does both, depending on who notices. */
  goneAs: "status" | "event" = "event"
  readonly #store: Store
  readonly #open = new Set<Watch>()

  constructor(store: Store) {
    this.#store = store
    store.subscribe((change) => {
      for (const watch of this.#open)
        if (kindKey(watch.definition.resource) === change.kind) tell(watch, change)
    })
  }

  get open(): number {
    return this.#open.size
  }

  /** Begins to answer. @throws Refusal */
  begin(definition: Definition, query: Query, response: ServerResponse): void {
    const store = this.#store
    const { version } = query
    if (version !== undefined && version > store.version) throw tooLarge(version, store.version)
    const past =
      version === undefined || version === 0 ? [] : store.since(version, kindKey(definition.resource))
    if (past === undefined && this.goneAs === "status") throw tooOld(version, store.compacted)
    response.writeHead(200, { "content-type": "application/json" })
    response.flushHeaders()
    if (past === undefined) {
      event(response, "ERROR", statusOf(tooOld(version, store.compacted)))
      response.end()
      return
    }
    const watch = { definition, query, response }
    this.#open.add(watch)
    if (version === undefined || version === 0)
      for (const object of store.list(definition.resource))
        if (query.selects(object)) event(response, "ADDED", object)
    for (const change of past) tell(watch, change)
    const timer = setTimeout(() => this.#close(watch), (query.timeoutSeconds ?? 1800) * 1000)
    response.once("close", () => {
      clearTimeout(timer)
      this.#open.delete(watch)
    })
  }

  /** Tells everyone who wants bookmarks how far things are. */
  bookmark(): void {
    for (const { query, response, definition } of this.#open) {
      if (!query.bookmarks) continue
      const { apiVersion, kind } = identity(definition)
      const metadata = { resourceVersion: String(this.#store.version), creationTimestamp: null }
      event(response, "BOOKMARK", { kind, apiVersion, metadata })
    }
  }

  /** Ends every open watch in order, as the API server does when its time is over. */
  end(): void {
    for (const watch of this.#open) this.#close(watch)
  }

  #close(watch: Watch): void {
    this.#open.delete(watch)
    watch.response.end()
  }

  /** The version is forgotten while the watch is open. */
  expire(): void {
    this.fail(tooOld(this.#store.version, this.#store.compacted))
  }

  /** Tells each open watch of a trouble of the server's own. */
  fail(refusal: Refusal): void {
    for (const watch of this.#open) {
      event(watch.response, "ERROR", statusOf(refusal))
      this.#close(watch)
    }
  }

  /** Cuts each connection, in the middle of an event where `text` is given. */
  async cut(text = ""): Promise<void> {
    for (const watch of this.#open) {
      const { response } = watch
      this.#open.delete(watch)
      if (text !== "") await new Promise<void>((resolve) => response.write(text, () => resolve()))
      response.destroy()
    }
  }

  /** Writes whatever it is. */
  write(text: string): void {
    for (const { response } of this.#open) response.write(text)
  }
}

/** What a watch is told of a change depends on what it selects: an object may come into its view, or leave it. */
function tell({ query, response }: Watch, { before, after, version }: Change): void {
  const was = before !== undefined && query.selects(before)
  const is = after !== undefined && query.selects(after)
  if (is) event(response, was ? "MODIFIED" : "ADDED", after)
  else if (was) event(response, "DELETED", removed(before, version))
}

const removed = (object: KubeObject, version: number): KubeObject => ({
  ...object,
  metadata: { ...object.metadata, resourceVersion: String(version) },
})

function event(response: ServerResponse, type: EventType | "BOOKMARK" | "ERROR", object: object): void {
  response.write(`${JSON.stringify({ type, object })}\n`)
}

function identity({ resource: { group, version }, kind }: Definition): { apiVersion: string; kind: string } {
  return { apiVersion: group === "" ? version : `${group}/${version}`, kind }
}

const tooOld = (version: number | undefined, compacted: number): Refusal =>
  expired(`too old resource version: ${version ?? 0} (${compacted + 1})`)

const tooLarge = (version: number, newest: number): Refusal =>
  new Refusal(504, "Timeout", `Too large resource version: ${version}, current: ${newest}`, {
    retryAfterSeconds: 1,
    details: {
      causes: [{ reason: "ResourceVersionTooLarge", message: "Too large resource version" }],
      retryAfterSeconds: 1,
    },
  })
