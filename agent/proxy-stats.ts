import type { Clock } from "#mesh/clock.ts"
import type { ProxyIdentity, ProxyTarget } from "#mesh/proxy.ts"
import type { StatsPage } from "#mesh/stats.ts"
import type { Labels, Ledger, Slot } from "./account/contract.ts"
import { StatsAccountant } from "./account/stats/accountant.ts"
import type { SharedGauges } from "./account/stats/shared-gauges.ts"
import { accounted, type Tally } from "./account/tally.ts"
import type { AdminPages } from "./admin-pages.ts"
import { ADMIN } from "./collect/admin/path.ts"
import { decodeCertificates } from "./decode/admin/certificates.ts"
import type { Resolving } from "./resolve/resolver.ts"
import { servedBy } from "./served.ts"
import { StatsPages, type StatsPagesDeps } from "./stats-pages.ts"

export interface ProxyStatsDeps extends StatsPagesDeps {
  readonly clock: Clock
  readonly ledger: Ledger
  readonly gauges: SharedGauges
  /** Wall clock, ms: since when this node is watched, see `StatsAccountantDeps`. */
  readonly watchingSinceMs: number
}

export interface StatsOwner {
  readonly target: ProxyTarget
  readonly tally: Tally
  readonly pages: AdminPages
  /** What another object handed over that counted this very Envoy until now. */
  readonly kept: Uint8Array | undefined
}

/** The stats of one Envoy in the agent: read, and counted from when somebody could tell what it is. */
export class ProxyStats {
  /** When they were last read, wall clock ms. */
  answeredMs: number | undefined
  readonly #owner: StatsOwner
  readonly #deps: ProxyStatsDeps
  readonly #pages: StatsPages
  #accountant: StatsAccountant | undefined
  /** Gauges that stand for the proxy while nobody knows what it is. */
  readonly #stranger = new Map<StrangerGauge, { readonly text: string; readonly slot: Slot }>()

  constructor(owner: StatsOwner, deps: ProxyStatsDeps) {
    this.#owner = owner
    this.#deps = deps
    this.#pages = new StatsPages(owner.pages, servedBy(owner.target), deps)
  }

  /** Undefined until somebody could tell what the proxy is. */
  get accountant(): StatsAccountant | undefined {
    return this.#accountant
  }

  /**
   * What counts from now on; a proxy that became another resource begins anew.
   * @param named see `StatsAccountant.setPlan`
   */
  setPlan({ plan, identity }: Resolving, named = false): void {
    const known = this.#accountant
    if (known !== undefined && sameResource(known.identity, identity)) known.setPlan(plan, named)
    else {
      known?.close()
      const { ledger, gauges, clock, watchingSinceMs } = this.#deps
      const { tally, kept } = this.#owner
      this.#accountant = new StatsAccountant(identity, plan, {
        ledger,
        gauges,
        clock,
        watchingSinceMs,
        accountedByLog: (reporter) => accounted(tally, reporter),
        ...(known === undefined && kept !== undefined ? { kept } : {}),
      })
    }
    this.#pages.forgetHistograms()
    this.#forgetStranger()
  }

  /** Labels of `mesh_proxy_info` beside the proxy's own. */
  describe(labels: Labels): void {
    if (this.#accountant !== undefined) this.#accountant.describe(labels)
    else this.#tellStranger("proxyInfo", 1, labels)
  }

  /**
   * One page, and the histograms where these have a page of their own.
   * @param seen looks at the page first, and may set another plan
   */
  async read(seen: (page: StatsPage) => void = () => undefined): Promise<void> {
    const reading = await this.#pages.read((page) => {
      this.answeredMs = this.#deps.clock.now()
      seen(page)
      return this.#accountant?.scrape(page) ?? "baseline"
    })
    if (this.#owner.pages.closed) return
    const accountant = this.#accountant
    if (accountant === undefined) this.#tellStranger("proxyUp", reading === undefined ? 0 : 1)
    else if (reading === undefined) accountant.failed()
    else {
      if (reading === "whole") this.#pages.forgetHistograms()
      await this.#pages.readHistograms(accountant)
    }
  }

  async readCertificates(): Promise<void> {
    const certificates = await this.#owner.pages.ask("certs", ADMIN.certs, ({ body }) =>
      decodeCertificates(body),
    )
    if (certificates !== undefined) this.#accountant?.takeCertificates(certificates)
  }

  /** The proxy is gone: gauges leave, what is kept is removed. */
  end(): void {
    this.#accountant?.close()
    this.#leave()
  }

  /** As `end`, but the Envoy stays. @returns what the next object needs to go on here */
  handOver(): Uint8Array | undefined {
    const kept = this.#accountant?.handOver()
    this.#leave()
    return kept
  }

  #leave(): void {
    this.#pages.close()
    this.#forgetStranger()
  }

  /** A proxy that nobody could name yet is still seen to be there or not. */
  #tellStranger(gauge: StrangerGauge, value: number, labels: Labels = {}): void {
    const { ledger } = this.#deps
    const text = JSON.stringify(labels)
    const known = this.#stranger.get(gauge)
    if (known !== undefined && known.text !== text) ledger.retire(known.slot)
    const slot =
      known?.text === text ? known.slot : ledger.slot(gauge, { proxy: this.#owner.target.name, ...labels })
    this.#stranger.set(gauge, { text, slot })
    ledger.set(slot, value)
  }

  #forgetStranger(): void {
    for (const { slot } of this.#stranger.values()) this.#deps.ledger.retire(slot)
    this.#stranger.clear()
  }
}

type StrangerGauge = "proxyUp" | "proxyInfo"

function sameResource(a: ProxyIdentity, b: ProxyIdentity): boolean {
  return a.mesh === b.mesh && a.flavor === b.flavor && a.role === b.role && a.resource === b.resource
}
