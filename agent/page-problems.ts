import type { ErrorCode, MeshscopeError } from "#mesh/errors.ts"
import type { ProblemReason } from "#mesh/page-problem.ts"
import type { ProxyIdentity } from "#mesh/proxy.ts"
import type { Ledger, Slot } from "./account/contract.ts"
import { proxyLabels } from "./account/stats/proxy-labels.ts"

/** All other errors are a bad answer. */
const REASONS: Readonly<Partial<Record<ErrorCode, ProblemReason>>> = {
  ADMIN_UNREACHABLE: "unreachable",
  ADMIN_REFUSED: "refused",
  ADMIN_BUSY: "busy",
  ADMIN_TIMEOUT: "timeout",
  ADMIN_TOO_LARGE: "too_large",
}

/**
 * `mesh_proxy_problem` of one proxy: a gauge for each admin page that could not be read, with the reason. It leaves with
 * its problem. Bounded by what the agent asks for: one reason for each page.
 */
export class PageProblems {
  readonly #proxy: string
  readonly #ledger: Ledger
  #told = new Map<string, Slot>()

  constructor(proxy: string, ledger: Ledger) {
    this.#proxy = proxy
    this.#ledger = ledger
  }

  /** @param identity as the proxy is named now @param problems by page; pages that work are not in it */
  tell(identity: ProxyIdentity | undefined, problems: ReadonlyMap<string, MeshscopeError>): void {
    const owner = identity === undefined ? { proxy: this.#proxy } : proxyLabels(identity)
    const now = new Map<string, Slot>()
    for (const [page, { code }] of problems) {
      const labels = { ...owner, page, reason: REASONS[code] ?? "bad_answer" }
      const text = JSON.stringify(labels)
      const slot = this.#told.get(text) ?? this.#ledger.slot("proxyProblem", labels)
      this.#ledger.set(slot, 1)
      now.set(text, slot)
    }
    for (const [text, slot] of this.#told) if (!now.has(text)) this.#ledger.retire(slot)
    this.#told = now
  }

  /** The proxy is gone from this node. */
  end(): void {
    this.tell(undefined, new Map())
  }
}
