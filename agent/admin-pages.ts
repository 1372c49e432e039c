import type { Clock } from "#mesh/clock.ts"
import { type ErrorCode, MeshscopeError } from "#mesh/errors.ts"
import type { ProblemReason } from "#mesh/page-problem.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import { type AdminAnswer, AdminClient, type AdminDeps, type PageSource } from "./collect/admin/client.ts"
import { Pace } from "./collect/admin/pace.ts"
import { ADMIN, type AdminPath } from "./collect/admin/path.ts"
import type { Log } from "./telemetry/log.ts"

export interface AdminPagesDeps {
  readonly clock: Clock
  readonly log: Log
  readonly admin: AdminDeps
  /** What stands for the address of a proxy that sends its stats. */
  readonly pushed: (target: ProxyTarget) => PageSource
  /** Told of every admin page that was asked for. */
  readonly scraped: (page: string, result: ScrapeResult, seconds: number, bytes: number) => void
}

export type ScrapeResult = "ok" | ProblemReason
const RESULTS: Readonly<Partial<Record<ErrorCode, ScrapeResult>>> = {
  ADMIN_UNREACHABLE: "unreachable",
  ADMIN_REFUSED: "refused",
  ADMIN_BUSY: "busy",
  ADMIN_TIMEOUT: "timeout",
  ADMIN_TOO_LARGE: "too_large",
}

/** The admin pages of one Envoy. A failure is counted, kept and told once in the log; then there is no value. */
export class AdminPages {
  /** The last problem of each page, by page; a page that works again leaves. */
  readonly problems = new Map<string, MeshscopeError>()
  /** Problems that the log holds already, by page; forgotten when the page works again. */
  readonly #told = new Map<string, Set<ErrorCode>>()
  readonly #target: string
  readonly #deps: AdminPagesDeps
  readonly #client: PageSource
  /** Where others ask too. */
  readonly #pace: Pace | undefined
  /** Nobody asks any more: what is still under way says nothing about the proxy. */
  #closed = false

  constructor(target: ProxyTarget, deps: AdminPagesDeps) {
    const { name, admin, serves } = target
    this.#target = name
    this.#deps = deps
    this.#client = serves?.kind === "pushed" ? deps.pushed(target) : new AdminClient(admin, deps.admin)
    this.#pace = serves?.kind === "service-connect" ? new Pace(deps.clock) : undefined
  }

  get closed(): boolean {
    return this.#closed
  }

  /** Asks for one page and uses its answer at once: the body is the client's. Never rejects. */
  async ask<T>(page: string, path: AdminPath, use: (answer: AdminAnswer) => T): Promise<T | undefined> {
    if (this.#pace !== undefined && !(await this.#pace.turn())) return undefined
    const { clock, scraped } = this.#deps
    const started = clock.monotonic()
    let bytes = 0
    const seconds = (): number => (clock.monotonic() - started) / 1000
    try {
      const value = await this.#client.read(path, (answer) => {
        bytes = answer.body.length
        return this.#closed ? undefined : use(answer)
      })
      if (this.#closed) return undefined
      scraped(page, "ok", seconds(), bytes)
      this.#pace?.eased()
      this.#mended(page, path)
      return value
    } catch (cause) {
      const error = cause instanceof MeshscopeError ? cause : unexpected(page, cause)
      if (this.#closed) return undefined
      scraped(page, RESULTS[error.code] ?? "bad_answer", seconds(), bytes)
      if (error.code === "ADMIN_BUSY") this.#pace?.refused()
      this.#failed(page, error)
      return undefined
    }
  }

  #mended(page: string, path: AdminPath): void {
    this.#told.delete(page)
    if (!this.problems.delete(page)) return
    const instead = path === ADMIN.prometheus
    const sentence = instead
      ? "The stats can be read, from the page for Prometheus."
      : "The page can be read again."
    this.#deps.log.info(sentence, { target: this.#target, page })
  }

  /** Each kind of problem of a page is told once: a proxy that is gone for a day is one line. */
  #failed(page: string, error: MeshscopeError): void {
    const { code, message } = error
    const told = this.#told.get(page) ?? new Set()
    this.#told.set(page, told)
    if (!told.has(code)) this.#deps.log.warn(message, { code, target: this.#target, page })
    told.add(code)
    this.problems.set(page, error)
  }

  /** What is under way ends at once and says nothing. */
  close(): void {
    this.#closed = true
    this.#client.close()
  }
}

/** A fault of ours on one proxy's page must not end the reading of all the others. */
function unexpected(page: string, cause: unknown): MeshscopeError {
  const why = cause instanceof Error ? (cause.stack ?? cause.message) : String(cause)
  return new MeshscopeError("ADMIN_BAD_ANSWER", `The page ${page} could not be taken in: ${why}`, { cause })
}
