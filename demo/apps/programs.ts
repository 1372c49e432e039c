import type { CallEnd } from "../records.ts"
import type { Outbound, OutboundCall, Passed } from "./outbound.ts"
import type { AppPod, Backend } from "./protocol.ts"

/** What an application does with a request that no planned behaviour decides. */
export interface Served {
  readonly method: string
  /** Without query. */
  readonly path: string
}
export interface Answer {
  readonly status: number
  readonly body: string
}
export type Program = (served: Served, out: Outbound, passed: Passed) => Promise<Answer>

/** Chosen by the node's name, so that any other mesh gets a plain application. */
export function programOf(pod: AppPod): Program {
  if (pod.node.includes("yelb-ui")) return ui(pod.backends)
  if (pod.node.includes("yelb-appserver")) return appserver(pod)
  return plain
}

/** What a node answers that passes a call on: its own failure when the call failed, else the same status. */
function answerFor(end: CallEnd): Answer {
  const failed = end.how !== "answered" || end.code >= 500 || (end.grpcStatus > 0 && end.code === 200)
  return { status: failed ? 502 : end.code, body: JSON.stringify({ answer: end.code }) }
}

const portOf = (backends: readonly Backend[], part: string, fallback: number): Backend => {
  const found = backends.find(({ service }) => service.includes(part))
  return found ?? { service: part, port: fallback, protocol: "http" }
}

/** `/vote/<verb>` calls the appserver, `/recommend/<method>` the gRPC service, `/empty` and `/undeclared` what fails. */
function ui(backends: readonly Backend[]): Program {
  const app = portOf(backends, "yelb-appserver", 4567)
  const recommend = portOf(backends, "yelb-recommend", 50051)
  const http = (service: string, method: string, path: string): OutboundCall => ({
    protocol: "http",
    service,
    port: app.port,
    method,
    path,
  })
  return async ({ method, path }, out, passed) => {
    const [, place = "", rest = ""] = path.split("/")
    switch (place) {
      case "vote":
        return answerFor(await out.http(http(app.service, method, `/api/${rest}`), passed))
      case "empty":
        return answerFor(await out.http(http("yelb-empty", method, "/"), passed))
      case "undeclared":
        return answerFor(await out.http(http("yelb-ghost", method, "/"), passed))
      case "recommend": {
        const call = { ...http(recommend.service, "POST", `/yelb.Recommend/${rest}`), port: recommend.port }
        return answerFor(await out.http({ ...call, protocol: "grpc" }, passed))
      }
      default:
        return { status: 200, body: "<!doctype html><title>Yelb</title>" }
    }
  }
}

const RESTAURANTS = new Set(["outback", "ihop", "bucadibeppo", "chipotle"])

/** A store that does not answer is the application's own failure. */
function answer(value: string | undefined): Answer {
  return value === undefined ? { status: 500, body: "{}" } : { status: 200, body: JSON.stringify({ value }) }
}

function appserver(pod: AppPod): Program {
  const database = portOf(pod.backends, "db", 5432).port
  const cache = portOf(pod.backends, "redis", 6379).port
  return async ({ path }, out) => {
    const verb = path.startsWith("/api/") ? path.slice("/api/".length) : ""
    if (verb === "hostname") return answer(pod.pod)
    if (verb === "pageviews") return answer(await out.tcp(cache, "INCR pageviews"))
    if (verb === "getstats") return answer(await out.tcp(cache, "GET pageviews"))
    if (verb === "getvotes") return answer(await out.tcp(database, "SELECT name, value FROM restaurants"))
    if (RESTAURANTS.has(verb)) return answer(await out.tcp(database, `UPDATE restaurants ${verb}`))
    return { status: 404, body: "{}" }
  }
}

/** `/call/<service>/<port>/<path>` makes that call; everything else is fine. */
const plain: Program = async ({ method, path }, out, passed) => {
  const [, place, service = "", port = "", ...rest] = path.split("/")
  if (place !== "call") return { status: 200, body: "fine" }
  const call = { protocol: "http", service, port: Number(port), method, path: `/${rest.join("/")}` } as const
  return answerFor(await out.http(call, passed))
}
