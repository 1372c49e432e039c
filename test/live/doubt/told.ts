import type { RoutesView } from "../../../collector/view/routes.ts"
import type { UnmappedView } from "../../../collector/view/unmapped.ts"
import type { METRICS } from "../../../mesh/catalogue.ts"
import { OUTCOMES } from "../../../mesh/outcome.ts"
import type { MeshRig } from "../meshes/rig.ts"
import { exposed } from "../rig/exposed.ts"

type Labels = ReadonlyMap<string, string>

/** Sums of a counter of the ledger; `keyOf` makes the key of each series, undefined leaves it out. */
function summed(
  { agent }: MeshRig,
  metric: keyof typeof METRICS,
  keyOf: (labels: Labels) => string | undefined,
): Record<string, number> {
  const { snapshot } = agent.pipeline.ledger
  const counts: Record<string, number> = {}
  for (const series of snapshot.families.find(({ key }) => key === metric)?.series ?? []) {
    const key = keyOf(new Map(series.labels))
    const value = snapshot.values[series.slot] ?? 0
    if (key !== undefined && value !== 0) counts[key] = (counts[key] ?? 0) + value
  }
  return counts
}

const joined = (labels: Labels, names: readonly string[], between: string): string =>
  names
    .flatMap((name) => labels.get(name) || [])
    .filter((name) => name !== "")
    .join(between)

/** `caller => service > route -> node`; at a gateway's door `door > gateway route > service`. */
function placeOf(labels: Labels): string | undefined {
  if (labels.get("reporter") === "destination") return undefined
  if (labels.get("reporter") === "gateway")
    return joined(labels, ["virtual_gateway", "gateway_route", "virtual_service"], " > ")
  const caller = joined(labels, ["source", "virtual_gateway"], "")
  const node = labels.get("virtual_node") ?? ""
  const route = joined(labels, ["virtual_service", "route"], " > ")
  return `${caller} => ${route}${node === "" ? "" : ` -> ${node}`}`
}

/** `ok/client errors/errors/aborted` by who called what, as the agent's ledger holds it. */
export function requestsTold(rig: MeshRig): Record<string, string> {
  const counts = summed(rig, "requests", (labels) => {
    const place = placeOf(labels)
    return place === undefined ? undefined : `${place}\u0000${labels.get("outcome")}`
  })
  const places = new Set(Object.keys(counts).map((key) => key.split("\u0000")[0] ?? ""))
  return Object.fromEntries(
    [...places].map((place) => [
      place,
      OUTCOMES.map((outcome) => counts[`${place}\u0000${outcome}`] ?? 0).join("/"),
    ]),
  )
}

/** Failures by who called what, with `flag, answered by`. */
export const failuresTold = (rig: MeshRig): Record<string, number> =>
  summed(rig, "failures", (labels) => {
    const place = placeOf(labels)
    return place && `${place}: ${labels.get("flag")} by ${labels.get("answered_by")}`
  })

/** Connections closed well by callers, and with ` failed` those that were not. */
export const connectionsTold = (rig: MeshRig): Record<string, number> =>
  summed(rig, "tcpClosed", (labels) => {
    const place = placeOf(labels)
    return place && `${place}${labels.get("outcome") === "ok" ? "" : " failed"}`
  })

/** `proxy: reason` with counts. */
export const doubtsTold = ({ agent }: MeshRig): Record<string, number> =>
  exposed(agent.pipeline.ledger.snapshot, "unmapped", ["proxy", "reason"])

export const unaccountedTold = ({ agent }: MeshRig): Record<string, number> =>
  exposed(agent.pipeline.ledger.snapshot, "unaccounted", ["virtual_node", "virtual_gateway", "reporter"])

/** The API's doubts in the form of `doubtsTold`. */
export async function doubtsByApi({ ask }: MeshRig): Promise<Record<string, number>> {
  const { doubts } = await ask<UnmappedView>("/unmapped?window=60m")
  return Object.fromEntries(
    doubts.map(({ proxy, reason, count }) => [`proxy=${proxy} reason=${reason}`, count]),
  )
}

/** Connections by service over all callers, as the API counts them. */
export async function connectionsByApi({ ask }: MeshRig): Promise<Record<string, number>> {
  const { rows } = await ask<RoutesView>("/routes?window=60m&limit=500")
  return Object.fromEntries(
    rows.flatMap(({ key, tcp }) =>
      tcp === null || tcp.opened === 0 ? [] : [[key.virtualService, tcp.opened] as const],
    ),
  )
}

const textOf = (markup: string): string =>
  markup
    .replaceAll(/<wbr\/?>/g, "")
    .replaceAll(/<[^>]*>/g, " ")
    .replaceAll(/\s+/g, " ")
    .trim()

/** Rows of a page's tables as a person reads them: texts of their cells with ` | ` between. */
export async function tableRows({ page }: MeshRig, path: string): Promise<string[]> {
  return [...(await page(path)).matchAll(/<tr[^>]*>(.*?)<\/tr>/gs)].map(([, row = ""]) =>
    row
      .split(/<\/t[hd]>/)
      .map(textOf)
      .filter((cell) => cell !== "")
      .join(" | "),
  )
}
