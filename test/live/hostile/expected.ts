import type { Arrival } from "../../../demo/records.ts"
import { classOf } from "../../../demo/truth.ts"
import type { DeclaredMesh } from "../../../mesh/declared.ts"
import { UNDECLARED, UNMATCHED } from "../../../mesh/resource.ts"
import { type Counts, keyText } from "../rig/counts.ts"
import { REQUEST_NAMES } from "../rig/truth-counts.ts"
import { PLAIN_PATH } from "./model.ts"
import type { HostileRequest } from "./requests.ts"

/** What the caller got and the applications saw of one request. */
export interface Happened {
  readonly request: HostileRequest
  /** 0 when no answer came. */
  readonly status: number
  readonly arrivals: readonly Arrival[]
}

/** Names as the mesh declares them. */
export interface Names {
  readonly gateway: string
  readonly ui: string
  readonly toUi: string
  readonly toAppserver: string
  readonly plainGateway: string
  readonly router: string
  readonly route: string
  readonly plainRoute: string
}

export function namesOf(mesh: DeclaredMesh): Names {
  const [gateway] = mesh.virtualGateways
  const [router] = mesh.virtualRouters
  const toward = (service: string, plain = false): string =>
    gateway?.routes.find(
      ({ virtualService, match }) =>
        virtualService === service && (match.path?.regex !== undefined) === plain,
    )?.name ?? ""
  const routeTo = (prefix: string): string =>
    router?.routes.find(({ match }) => match.path?.prefix === prefix)?.name ?? ""
  return {
    gateway: gateway?.name ?? "",
    ui: mesh.virtualNodes.find(({ name }) => name.includes("yelb-ui"))?.name ?? "",
    toUi: toward("yelb-ui"),
    toAppserver: toward("yelb-appserver"),
    plainGateway: toward("yelb-appserver", true),
    router: router?.name ?? "",
    route: routeTo("/"),
    plainRoute: routeTo(PLAIN_PATH),
  }
}

/** What has to be counted: rows of requests, and health checks, which count nowhere else. */
export interface Expected {
  readonly rows: Counts
  readonly checks: Counts
  /** Lines that are written for it. */
  readonly lines: number
}

type Labels = Readonly<Record<string, string>>

/**
 * The rows that follow from who got the request in the end. Nothing here looks at a log; the path as it was sent tells
 * health checks, and which of two rival routes took it.
 */
export function expected({ request, status, arrivals }: Happened, names: Names): Expected {
  const { door, checker, atHealthPath } = request
  const arrived = arrivals.at(-1)
  const caller = callerRows(request, arrived?.node, status, names)
  const checked = checker && atHealthPath && door === "gateway" && arrived !== undefined
  const rows: Counts = {}
  const checks: Counts = {}
  if (checked) checks[`virtual_gateway=${names.gateway}`] = 1
  else for (const row of caller) add(rows, row)
  for (const { node, code } of calleeRows(door, status, arrivals, names)) {
    // The ui declares what its checkers ask for; of the appserver nobody knows, so an agent's word counts.
    const isCheck =
      checker &&
      (node === names.ui ? atHealthPath : true) &&
      code !== 0 &&
      (door !== "ingress" || arrivals.length > 0)
    if (isCheck) checks[`virtual_node=${node}`] = (checks[`virtual_node=${node}`] ?? 0) + 1
    else add(rows, { reporter: "destination", virtual_node: node, ...ending(code) })
  }
  return {
    rows,
    checks,
    lines: caller.length + (door === "ingress" ? Math.max(1, arrivals.length) : arrivals.length),
  }
}

function add(rows: Counts, labels: Labels): void {
  const key = keyText({ protocol: "http", ...labels }, REQUEST_NAMES)
  rows[key] = (rows[key] ?? 0) + 1
}

const ending = (
  code: number,
  outcome = code >= 500 ? "error" : code >= 400 ? "client_error" : "ok",
): Labels => ({ code_class: classOf(code), outcome })

/** Rows of who called: a gateway's two passes, or the ui's call. */
function callerRows(
  { door, host, refusedPath, path }: HostileRequest,
  node: string | undefined,
  status: number,
  names: Names,
): Labels[] {
  if (door === "ingress") return []
  if (door === "gateway" && node === undefined) {
    return [
      { reporter: "gateway", virtual_gateway: names.gateway, gateway_route: UNMATCHED, ...ending(status) },
    ]
  }
  if (node === undefined) {
    // Without a host that the mesh knows there is no call: an error of the mesh's, as a 404 of its own.
    const end = status === 404 ? ending(status, "error") : ending(status)
    const service = refusedPath && host === "yelb-appserver" ? host : UNDECLARED
    return [{ reporter: "source", source: names.ui, virtual_service: service, route: UNMATCHED, ...end }]
  }
  const ui = node === names.ui
  const atPlain = path.startsWith(PLAIN_PATH)
  const toPlain = atPlain || (door === "gateway" && path.startsWith(`/api${PLAIN_PATH}`))
  const route = toPlain ? names.plainRoute : names.route
  const toAppserver = atPlain ? names.plainGateway : names.toAppserver
  const service = ui
    ? { virtual_service: "yelb-ui" }
    : { virtual_service: "yelb-appserver", virtual_router: names.router, route }
  const end = { virtual_node: node, ...ending(status) }
  if (door === "egress") return [{ reporter: "source", source: names.ui, ...service, ...end }]
  return [
    {
      reporter: "gateway",
      virtual_gateway: names.gateway,
      gateway_route: ui ? names.toUi : toAppserver,
      virtual_service: service.virtual_service,
      ...ending(status),
    },
    { reporter: "source", virtual_gateway: names.gateway, ...service, ...end },
  ]
}

/** Requests at the callee's proxy: one per arrival, and at the ui's own door also one that its proxy refused. */
function calleeRows(
  door: HostileRequest["door"],
  status: number,
  arrivals: readonly Arrival[],
  names: Names,
): { node: string; code: number }[] {
  if (door === "ingress" && arrivals.length === 0) return [{ node: names.ui, code: status }]
  return arrivals.map(({ node, end }) => ({ node, code: end.code }))
}
