import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Ended, Trouble } from "./answer.ts"
import type { WatchListener } from "./contract.ts"
import { type FollowDeps, follow } from "./follow.ts"
import { list, type Wanted } from "./list.ts"
import { WatchedSet } from "./watched-set.ts"

export interface ObjectWatchDeps extends FollowDeps {
  readonly clock: Clock
}

/** A watch that lives for less has done nothing: the next one waits, as after a failure. */
const SHORT_MS = 1000

/** One kind in one scope: lists, then watches from there, for as long as it may. */
export class ObjectWatch {
  readonly #wanted: Wanted
  readonly #listener: WatchListener
  readonly #deps: ObjectWatchDeps
  readonly #set: WatchedSet
  /** From where to watch; undefined: a list is due. */
  #version: string | undefined
  /** Whether a first list out of the server's cache will do. */
  #cached: boolean
  /** Whether the last watch did what watches are for. */
  #lived = false
  #failures = 0
  #told: string | undefined

  constructor(wanted: Wanted, listener: WatchListener, deps: ObjectWatchDeps) {
    this.#wanted = wanted
    this.#listener = listener
    this.#deps = deps
    this.#cached = wanted.scope.fieldSelector !== undefined
    this.#set = new WatchedSet((objects) => listener.changed(objects))
  }

  /** Resolves once `signal` aborts. Never rejects. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const ended = await this.#turn(signal).catch(unexpected)
      if (signal.aborted) return
      await this.#deps.clock.sleep(this.#pauseAfter(ended), signal)
    }
  }

  async #turn(signal: AbortSignal): Promise<Ended> {
    const { transport, limits, clock } = this.#deps
    if (this.#version === undefined) {
      const listed = await list(this.#wanted, this.#cached, transport, limits, signal)
      if (signal.aborted || listed.kind !== "listed")
        return listed.kind === "listed" ? { kind: "cut" } : listed
      this.#version = listed.version
      this.#set.replace(listed.objects)
      this.#set.tell()
    }
    const since = clock.monotonic()
    const ended = await follow(this.#wanted, this.#version, this.#following(signal), this.#deps, signal)
    this.#lived = clock.monotonic() - since >= SHORT_MS
    if (this.#lived) this.#failures = 0
    return ended
  }

  #following(signal: AbortSignal) {
    const set = this.#set
    return {
      opened: () => this.#mended(),
      set: set.set.bind(set),
      gone: set.gone.bind(set),
      reached: (version: string) => {
        this.#version = version
      },
      settled: () => {
        if (!signal.aborted) set.tell()
      },
    }
  }

  /** What an end means for the next turn. @returns how long to wait, ms */
  #pauseAfter(ended: Ended): number {
    const { limits, random } = this.#deps
    switch (ended.kind) {
      case "over":
        return this.#lived ? 0 : this.#backoff()
      case "cut":
        return this.#backoff()
      case "expired":
        this.#listAnew()
        // Once by chance; where each list is expired at once, as after any other failure.
        return Math.max(random() * limits.relistMs, this.#failures++ === 0 ? 0 : this.#backoff())
      case "unknown":
        this.#listAnew()
        this.#set.replace([])
        this.#set.tell()
        this.#mended()
        return limits.unknownMs * (0.5 + random() / 2)
      case "trouble":
        return this.#trouble(ended)
    }
  }

  #trouble({ error, afterMs, anew, tooLarge }: Trouble): number {
    if (anew === true) this.#listAnew()
    if (tooLarge === true) this.#cached = false
    if (error.message !== this.#told) {
      this.#told = error.message
      this.#listener.problem(error)
    }
    return Math.max(this.#backoff(), afterMs ?? 0)
  }

  /** After a version was forgotten the cache may be older than what was told already. */
  #listAnew(): void {
    if (this.#version !== undefined) this.#cached = false
    this.#version = undefined
  }

  /** Doubled each time, then between half and all of it by chance. */
  #backoff(): number {
    const { limits, random } = this.#deps
    const full = Math.min(limits.mostRetryMs, limits.firstRetryMs * 2 ** Math.min(this.#failures, 30))
    this.#failures += 1
    return full / 2 + (full / 2) * random()
  }

  #mended(): void {
    if (this.#told === undefined) return
    this.#told = undefined
    this.#listener.problem(undefined)
  }
}

/** What a listener or `reduce` threw must end neither the watch nor the agent. */
function unexpected(cause: unknown): Trouble {
  const sentence = `What the Kubernetes API server told could not be taken: ${String(cause)}`
  return { kind: "trouble", error: new MeshscopeError("KUBE_BAD_ANSWER", sentence, { cause }), anew: true }
}
