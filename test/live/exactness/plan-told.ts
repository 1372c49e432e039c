import type { Planned } from "../../../demo/plan.ts"
import { BEHAVIOUR_HEADER } from "../../../demo/records.ts"
import type { Truth, TruthCount } from "../../../demo/truth.ts"
import { type Counts, countsOf, type Labels } from "../rig/counts.ts"

/** What is known of bodies and times beside the truth's counts: from what was sent, and what the demo's applications do. */

/** An empty gRPC message, and the one that answers it; both have a head of five bytes. */
const GRPC_REQUEST = 5
const GRPC_ANSWER = 7
/** Answers without a message. */
const UNAVAILABLE = 14
const TIMEOUT_TEXT = "upstream request timeout"

export const REQUEST_BYTES_NAMES = ["reporter", "gateway_route", "virtual_service"]

/** Bodies of requests as their callers' proxies should tell them. The ui passes none on. */
export function requestBytes(plan: readonly Planned[], { requests }: Truth): Counts {
  const posts = plan.flatMap(({ path, body }): (readonly [Labels, number])[] => {
    const isApp = path.startsWith("/api")
    const virtual_service = isApp ? "yelb-appserver" : "yelb-ui"
    const gateway_route = isApp ? "yelbapp-gatewayroute_yelb" : "yelbui-gatewayroute_yelb"
    return [
      [{ reporter: "gateway", gateway_route, virtual_service }, body.length],
      [{ reporter: "source", virtual_service }, body.length],
    ]
  })
  const grpc = requests
    .filter(({ reporter, route }) => reporter === "source" && route === "recommend")
    .map(
      ({ count }) =>
        [{ reporter: "source", virtual_service: "yelb-recommend" }, count * GRPC_REQUEST] as const,
    )
  return countsOf([...posts, ...grpc], REQUEST_BYTES_NAMES)
}

export const RESPONSE_BYTES_NAMES = ["route", "virtual_node"]

/** Bodies of answers of the routes whose every answer is known. */
export function responseBytes({ requests }: Truth): Counts {
  const calls = requests.filter(({ reporter }) => reporter === "source")
  return countsOf(
    calls.map(
      (row) => [{ route: row.route, virtual_node: row.virtualNode }, row.count * answerBytes(row)] as const,
    ),
    RESPONSE_BYTES_NAMES,
  )
}

function answerBytes({ route, virtualNode, code, grpcStatus }: TruthCount): number {
  if (route === "recommend") return grpcStatus < 0 || grpcStatus === UNAVAILABLE ? 0 : GRPC_ANSWER
  if (route !== "hostname") return 0
  return code === 504 ? TIMEOUT_TEXT.length : JSON.stringify({ value: `${virtualNode}-0` }).length
}

/** Connections that the applications broke off before an answer; each retry of them is one more. */
export const brokenOff = (plan: readonly Planned[]): number =>
  plan
    .filter(({ scenario }) => scenario === "cut-before")
    .reduce((sum, planned) => sum + (behaviour(planned)["first"] === 1 ? 1 : 3), 0)

/** How long the applications held answers back, ms. */
export const delays = (plan: readonly Planned[]): readonly number[] =>
  plan.flatMap((planned) => (planned.scenario === "slow" ? [behaviour(planned)["delayMs"] ?? 0] : []))

function behaviour({ headers }: Planned): Readonly<Record<string, number>> {
  const all = JSON.parse(headers[BEHAVIOUR_HEADER] ?? "{}") as Record<string, Record<string, number>>
  return all["yelb-appserver"] ?? {}
}
