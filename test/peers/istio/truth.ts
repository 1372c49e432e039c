import { get } from "node:http"
import type { TruthCount, TruthRow } from "../../../demo/truth.ts"
import { type Counts, countsOf } from "../../live/rig/counts.ts"
import { type App, SERVED_BY } from "./apps.ts"
import type { Kind } from "./plan.ts"

/** What happened, by what callers got and applications saw. */
interface Happened {
  readonly rows: readonly TruthCount[]
  /** Failures by route and flag: see `flagsTold`. */
  readonly flags: Counts
  /** Answers with a status that the plan did not foresee, as sentences. */
  readonly surprises: readonly string[]
}

const NOTHING: TruthRow = {
  reporter: "source",
  virtualGateway: "",
  gatewayRoute: "",
  virtualService: "",
  virtualRouter: "",
  route: "",
  source: "",
  virtualNode: "",
  protocol: "http",
  code: 0,
  grpcStatus: -1,
  outcome: "ok",
}
/** Requests under way at one time. */
const AT_ONCE = 4

/** Sends a plan's requests, and tells what became of them. */
export async function carryOut(plan: readonly Kind[], apps: ReadonlyMap<string, App>): Promise<Happened> {
  const surprises: string[] = []
  const rows: TruthCount[] = []
  const flags: (readonly [{ key: string }, number])[] = []
  const left = plan.values()
  const one = async (): Promise<void> => {
    for (const kind of left) {
      const { status, by } = await asked(kind)
      const row = { ...NOTHING, ...kind.told, ...(kind.weighted === true ? { virtualNode: by } : {}) }
      if (status !== row.code) surprises.push(`${kind.call.host}${kind.call.path} answers ${status}`)
      rows.push({ ...row, count: 1 })
      if (row.outcome !== "ok") flags.push([{ key: flagKey(row, kind.flag ?? "-") }, 1])
    }
  }
  await Promise.all(Array.from({ length: AT_ONCE }, one))
  await settled(apps)
  return { rows: [...rows, ...arrivals(apps)], flags: countsOf(flags, ["key"]), surprises }
}

/** An application learns a little late that its caller has gone. */
async function settled(apps: ReadonlyMap<string, App>): Promise<void> {
  while ([...apps.values()].some((app) => app.open > 0))
    await new Promise((resolve) => setTimeout(resolve, 20))
}

/** What the sidecars of the applications are to tell; the last application has none. */
function arrivals(apps: ReadonlyMap<string, App>): TruthCount[] {
  return [...apps].flatMap(([virtualNode, app]) => {
    const taken = app.taken()
    if (!virtualNode.includes(".shop.")) return []
    return [...taken].map(([code, count]) => {
      const own = { reporter: "destination" as const, virtualNode, code, outcome: outcomeOf(code), count }
      return Object.assign({}, NOTHING, own)
    })
  })
}

function outcomeOf(code: number): TruthRow["outcome"] {
  if (code === 0) return "aborted"
  if (code >= 500) return "error"
  return code >= 400 ? "client_error" : "ok"
}

/** How a failure is named in `Happened.flags`. */
export function flagKey(
  row: Pick<TruthRow, "reporter" | "gatewayRoute" | "virtualService" | "route" | "virtualNode" | "outcome">,
  flag: string,
): string {
  const { reporter, gatewayRoute, virtualService, route, virtualNode, outcome } = row
  const name = reporter === "gateway" ? gatewayRoute : `${virtualService} ${route}`
  return `${reporter} ${name} -> ${virtualNode}: ${flag} ${outcome}`
}

function asked({ at, call }: Kind): Promise<{ readonly status: number; readonly by: string }> {
  const { path, host, headers } = call
  return new Promise((resolve, reject) => {
    const all = { ...headers, ...(host === undefined ? {} : { host }) }
    const asking = get({ ...at, path, headers: all, agent: false }, (answer) => {
      answer.resume()
      answer.on("end", () => {
        const by = answer.headers[SERVED_BY]
        resolve({ status: answer.statusCode ?? 0, by: typeof by === "string" ? by : "" })
      })
    })
    asking.on("error", reject)
  })
}
