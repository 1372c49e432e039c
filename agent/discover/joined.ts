import { adminAddressText } from "#mesh/address.ts"
import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { ProxyTarget } from "#mesh/proxy.ts"
import type { Discovery, ReportProblem } from "./contract.ts"

/** Those that have told wait so long for the first word of the others. */
export const FIRST_WORD_MS = 5000

export interface JoinedDeps {
  readonly clock: Pick<Clock, "sleep">
  readonly report: ReportProblem
}

/**
 * Several discoveries as one. The group is that of all of them: first when each has told, or when some had time enough
 * to, since one that is away must not keep the others' proxies from being read. A proxy that two of them found is the
 * first one's, by the order of `discoveries`, and an address, a name or a log stands in the group once.
 */
export function joined(discoveries: readonly Discovery[], { clock, report }: JoinedDeps): Discovery {
  const [only] = discoveries
  if (only !== undefined && discoveries.length === 1) return only
  return {
    async run(emit, signal) {
      const groups = new Map<Discovery, readonly ProxyTarget[]>()
      let waiting = true
      const tell = (): void => {
        if (signal.aborted || groups.size === 0 || (waiting && groups.size < discoveries.length)) return
        emit(
          once(
            discoveries.flatMap((one) => groups.get(one) ?? []),
            report,
          ),
        )
      }
      const waited = clock.sleep(FIRST_WORD_MS, signal).then(() => {
        waiting = false
        if (groups.size < discoveries.length) tell()
      })
      const running = discoveries.map((discovery) =>
        discovery.run((targets) => {
          groups.set(discovery, targets)
          tell()
        }, signal),
      )
      await Promise.all([waited, ...running])
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
