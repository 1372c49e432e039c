import { adminAddressText } from "#mesh/address.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import type { Discovery, ReportProblem } from "./contract.ts"

/**
 * Several discoveries as one. The group is that of all of them, once each has told its first: before that, what one does
 * not know yet would look like proxies that are gone. A proxy that two of them found is the first one's, by the order
 * of `discoveries`, and an address, a name or a log stands in the group once.
 */
export function joined(discoveries: readonly Discovery[], report: ReportProblem): Discovery {
  const [only] = discoveries
  if (only !== undefined && discoveries.length === 1) return only
  return {
    async run(emit, signal) {
      const groups = new Map<Discovery, readonly ProxyTarget[]>()
      await Promise.all(
        discoveries.map((discovery) =>
          discovery.run((targets) => {
            groups.set(discovery, targets)
            if (groups.size < discoveries.length) return
            emit(
              once(
                discoveries.flatMap((one) => groups.get(one) ?? []),
                report,
              ),
            )
          }, signal),
        ),
      )
    },
  }
}

/** @returns the targets without those that an earlier one stands for already */
function once(targets: readonly ProxyTarget[], report: ReportProblem): readonly ProxyTarget[] {
  const names = new Set<string>()
  const claimed = new Set<string>()
  return targets.filter((target) => {
    const claims = [adminAddressText(target.admin), ...target.logs]
    if (claims.some((claim) => claimed.has(claim))) return false
    if (names.has(target.name)) {
      const sentence = `Two discoveries found proxies of the name ${target.name}; the second one is left out.`
      report(new MeshscopeError("DISCOVERY_CONFLICT", sentence))
      return false
    }
    names.add(target.name)
    for (const claim of claims) claimed.add(claim)
    return true
  })
}
