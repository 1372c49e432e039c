import type { ClusterHost, ProxyIdentity } from "#mesh/proxy.ts"
import type { ClusterPlan } from "#mesh/request.ts"
import type { Labels } from "../contract.ts"
import { clusterLabels, ownerLabels, proxyLabels } from "./proxy-labels.ts"
import type { SharedGauges } from "./shared-gauges.ts"
import { ToldGauges } from "./told-gauges.ts"

type States = Record<ClusterHost["state"], number>

/** What one proxy's other pages say: its clusters' members, its certificates, and what it is. */
export class PageGauges {
  readonly #identity: ProxyIdentity
  readonly #hosts: ToldGauges
  readonly #certificates: ToldGauges
  readonly #info: ToldGauges

  constructor(identity: ProxyIdentity, gauges: SharedGauges) {
    this.#identity = identity
    this.#hosts = new ToldGauges(gauges)
    this.#certificates = new ToldGauges(gauges)
    this.#info = new ToldGauges(gauges)
  }

  /** Members of `/clusters`. Replicas of a caller share a series: it tells the worst view. */
  takeHosts(clusters: readonly ClusterPlan[], hosts: readonly ClusterHost[]): void {
    const counts = new Map<string, States>()
    for (const { cluster, state } of hosts) {
      const count = counts.get(cluster) ?? nobody()
      count[state]++
      counts.set(cluster, count)
    }
    for (const plan of clusters) {
      const labels = clusterLabels(this.#identity, plan)
      for (const [state, value] of Object.entries(counts.get(plan.name) ?? nobody())) {
        this.#hosts.tell("upstreamHosts", { ...labels, state }, value, state === "healthy" ? "min" : "max")
      }
    }
    this.#hosts.endRound()
  }

  /** Certificates of `/certs`. */
  takeCertificates(certificates: readonly { readonly name: string; readonly expiresAt: number }[]): void {
    const labels = ownerLabels(this.#identity)
    for (const { name, expiresAt } of certificates) {
      this.#certificates.tell("certificateExpiry", { ...labels, certificate: name }, expiresAt, "min")
    }
    this.#certificates.endRound()
  }

  /** @param labels of `mesh_proxy_info` beside the proxy's own */
  describe(labels: Labels): void {
    this.#info.tell("proxyInfo", { ...proxyLabels(this.#identity), ...labels }, 1)
    this.#info.endRound()
  }

  close(): void {
    for (const told of [this.#hosts, this.#certificates, this.#info]) told.close()
  }
}

function nobody(): States {
  return { healthy: 0, degraded: 0, unhealthy: 0, ejected: 0 }
}
