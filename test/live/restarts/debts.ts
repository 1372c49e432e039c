import { join } from "node:path"
import { DatabaseSync } from "node:sqlite"
import { decodeState } from "../../../agent/account/stats/kept-state.ts"
import { hash64, hashKey } from "../../../agent/account/stats/series-hash.ts"
import type { Fleet, FleetProxy } from "../../../demo/fleet.ts"
import type { Counts } from "../rig/counts.ts"

/**
 * Stats may tell that an answer ended badly only after it was counted as a good one. Counters cannot fall, so it is
 * counted once more as what it was, and the cluster's next good answer is not counted. What is owed in this way, by
 * reporter, as the agent keeps it: by so much its counts are above the truth until then.
 */
export async function owedByReporter(fleet: Fleet, stateFolder: string): Promise<Counts> {
  const kept = keptStates(stateFolder)
  const owed: Counts = {}
  for (const proxy of fleet.proxies) {
    const bytes = kept.get(`stats/${proxy.name}`)
    const values = bytes === undefined ? undefined : decodeState(bytes)?.values
    for (const cluster of await clustersOf(proxy)) {
      for (const side of ["ingress", "egress"] as const) {
        const cell = hashKey(...hash64(`~http.${side}.${cluster}.debt`))
        const key = `reporter=${reporterOf(proxy, side)}`
        owed[key] = (owed[key] ?? 0) + (values?.get(cell) ?? 0)
      }
    }
  }
  return owed
}

function reporterOf({ pod }: FleetProxy, side: "ingress" | "egress"): string {
  if (side === "egress") return "source"
  return pod.kind === "virtual_gateway" ? "gateway" : "destination"
}

function keptStates(folder: string): ReadonlyMap<string, Uint8Array> {
  const database = new DatabaseSync(join(folder, "state.sqlite"), { readOnly: true })
  try {
    const rows = database.prepare("select key, bytes from participant").all()
    return new Map(
      rows.flatMap(({ key, bytes }) => (bytes instanceof Uint8Array ? [[String(key), bytes] as const] : [])),
    )
  } finally {
    database.close()
  }
}

async function clustersOf({ admin }: FleetProxy): Promise<readonly string[]> {
  const answer = await fetch(`http://${admin}/clusters`)
  const names = (await answer.text()).split("\n").map((line) => line.split("::")[0] ?? "")
  return [...new Set(names)].filter((name) => name !== "")
}
