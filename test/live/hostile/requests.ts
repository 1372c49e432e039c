import { pick, type Random, seeded } from "../../../demo/random.ts"
import { BEHAVIOUR_HEADER, CALL_HEADER } from "../../../demo/records.ts"
import { HEALTH_PATH, PLAIN_PATH } from "./model.ts"

/** Where a request enters: at the gateway, at the ui's way out to the appserver, or at the ui itself. */
export const DOORS = ["gateway", "egress", "ingress"] as const
export type Door = (typeof DOORS)[number]

/** One request as bytes (one character a byte), and what is known of it beforehand. */
export interface HostileRequest {
  readonly call: string
  readonly door: Door
  readonly bytes: string
  readonly path: string
  /** The caller's own, `host` too. */
  readonly headers: ReadonlyMap<string, string>
  /** The agent is a health checker's. */
  readonly checker: boolean
  /** The path, without query, is the declared health check's, whatever other headers claim. */
  readonly atHealthPath: boolean
  readonly host: string
  /** Envoy reads it, and then refuses to normalise its path. */
  readonly refusedPath: boolean
  /** For messages: what is hostile in it. */
  readonly what: string
}

/** Part of everything that a caller makes up here; no name of the mesh holds it. */
export const MARK = "zq7x"

const TEXT_LINE = `[2026-11-21T10:00:00.000Z] "GET /api/${MARK} HTTP/1.1" 200 - 0 4 4 4 "-" "ua" "rid" "yelb-ui" "127.9.9.9:80"`
const JSON_LINE = `{"authority":"yelb-ui","path":"/${MARK}","response_code":500,"response_flags":"-","upstream_cluster":"cds_egress_yelb_${MARK}_http_80"}`
const TAIL = `${MARK}" "rid" "yelb-appserver" "6.6.6.6:1`
const LONG = "p".repeat(20_000)

type Choices = readonly [string, ...string[]]
const CHECKERS: Choices = ["Envoy/HC", "ELB-HealthChecker/2.0", "kube-probe/1.30"]
const AGENTS: Choices = [
  TAIL,
  `${MARK}" 0 ${TEXT_LINE}`,
  `${MARK}" "rid" "yelb-ui" "127.9.9.9:80"`,
  `${MARK}","response_code":200,"upstream_cluster":"cds_egress_yelb_${MARK}_http_80","x":"`,
  JSON_LINE,
  `${MARK}\xff\xfe\x80"\\end`,
  `${MARK} caf\xc3\xa9 \xf0\x9f\x98\x80`,
  `${MARK}\tx`,
  `${MARK}\x1b[31mred\x1b]0;title\x07`,
  `${MARK}\x00x`,
  `${MARK}\n${TEXT_LINE}`,
  `${MARK}\r\n${TEXT_LINE}`,
  `${MARK} %REQ(:PATH)% %RESPONSE_CODE%`,
  `${MARK}" "Envoy/HC`,
  "__proto__",
  "-",
  `${MARK}${LONG}`,
]
const PATHS: Choices = [
  "/",
  `/shop/${MARK}`,
  `/api/${MARK}`,
  "/api",
  `/api/${MARK}?a="b`,
  `/api/${MARK}"\\x`,
  `/shop/${MARK}%0a%0d${encodeURIComponent(TEXT_LINE)}`,
  `/api/%22%20200%20-%200%20${MARK}`,
  `/shop/../api/${MARK}`,
  `//api//${MARK}`,
  `/API/${MARK}`,
  `/shop/${MARK}%00`,
  `/shop/${MARK}\x00`,
  `/shop/${MARK}\n`,
  `/shop/${MARK}\x1b[2J`,
  `/shop/${MARK}\xff\xfe`,
  `/shop/${MARK} HTTP/1.1" 200 - 0 4 4 4 "-" "ua" "rid" "yelb-ui" "127.9.9.9:80"`,
  `/shop/${MARK}${LONG}`,
  "/__proto__/constructor",
  HEALTH_PATH,
  `${HEALTH_PATH}?${MARK}=1`,
  `${HEALTH_PATH}z/${MARK}`,
]
const ORIGINALS: Choices = [HEALTH_PATH, `/api/${MARK}`, "/api", "/", `/${MARK}" 200 - 0 4`, "__proto__"]
const ADDRESSES: Choices = ["10.0.0.1", `10.0.0.1, ${MARK}`, TEXT_LINE, JSON_LINE, `${MARK}\xff`]
const REQUEST_IDS: Choices = [
  `"${MARK}, \\"k\\":1`,
  `${MARK}" "yelb-ui" "6.6.6.6:1`,
  "-",
  `${MARK}" "-`,
  LONG,
]
const HOSTS: Choices = [
  `${MARK}.example`,
  "yelb-appserver",
  "yelb-ui",
  `${MARK}" "127.9.9.9:80`,
  "__proto__",
  `yelb-appserver:${MARK}`,
]

/** Seeded: the same requests in every run. */
export function* hostileRequests(count: number, seed: number): Generator<HostileRequest> {
  const random = seeded(seed)
  for (let number = 1; number <= count; number++) yield hostile(random, `${MARK}-${number}`)
}

/** Path and claimed original path where both explain what is logged, and where only the path does. */
const RIVALS: readonly (readonly [path: string, original?: string])[] = [
  [`${PLAIN_PATH}${MARK}`],
  [`${PLAIN_PATH}${MARK}`, `/api${PLAIN_PATH}${MARK}`],
  [`${PLAIN_PATH}${MARK}`, `/api/${MARK}`],
  [`${PLAIN_PATH}${MARK}`, "/"],
  [`/api${PLAIN_PATH}${MARK}`],
  [`/api${PLAIN_PATH}${MARK}`, `${PLAIN_PATH}${MARK}`],
  [`/api/${MARK}`, `${PLAIN_PATH}${MARK}`],
]

/** Requests that claim another of two routes to the same place, from an address whose headers Envoy lets through. */
export function rivalRequests(): HostileRequest[] {
  return (["gateway", "egress"] as const).flatMap((door) =>
    RIVALS.map(([path, original], index) =>
      request({
        call: `${MARK}-rival-${door}-${index}`,
        door,
        path,
        headers: [
          ["host", "yelb-appserver"],
          ["user-agent", `${MARK}/1`],
          ["x-forwarded-for", ADDRESSES[0]],
          ...(original === undefined ? [] : [["x-envoy-original-path", original] satisfies [string, string]]),
        ],
        checker: false,
        status: 200,
      }),
    ),
  )
}

const chance = (random: Random, share: number): boolean => random() < share

function hostile(random: Random, call: string): HostileRequest {
  const door = pick(random, DOORS)
  const checker = chance(random, 0.25)
  const agent = checker
    ? `${pick(random, CHECKERS)}${chance(random, 0.5) ? ` ${MARK}` : ""}`
    : chance(random, 0.6)
      ? pick(random, AGENTS)
      : `${MARK}/1`
  const path = chance(random, checker ? 0.4 : 0.02)
    ? HEALTH_PATH
    : chance(random, 0.8)
      ? pick(random, PATHS)
      : `/shop/${MARK}`
  const host = hostOf(random, door)
  const headers: [string, string][] = [
    ["host", host],
    ["user-agent", agent],
  ]
  if (chance(random, 0.3)) headers.push(["x-envoy-original-path", pick(random, ORIGINALS)])
  // With an inner address a caller passes for a service of the mesh, whose headers Envoy lets through.
  if (chance(random, 0.5))
    headers.push(["x-forwarded-for", chance(random, 0.6) ? ADDRESSES[0] : pick(random, ADDRESSES)])
  if (chance(random, 0.4)) headers.push(["x-request-id", pick(random, REQUEST_IDS)])
  if (chance(random, 0.1)) headers.push(["x-app-mesh-virtual-service", MARK])
  return request({ call, door, path, headers, checker, status: Number(pick(random, ["200", "200", "404"])) })
}

interface Made {
  readonly call: string
  readonly door: Door
  readonly path: string
  readonly headers: readonly [string, string][]
  readonly checker: boolean
  readonly status: number
}

function request({ call, door, path, headers, checker, status }: Made): HostileRequest {
  const what = `${door} ${path.slice(0, 100)} ${headers.map(([name, value]) => `${name}: ${value.slice(0, 100)}`).join("; ")}`
  const atHealthPath = path.split("?")[0] === HEALTH_PATH
  return {
    call,
    door,
    bytes: bytesOf(status, call, path, headers),
    path,
    headers: new Map(headers),
    checker,
    atHealthPath,
    host: new Map(headers).get("host") ?? "",
    refusedPath: path.includes("%00"),
    what: JSON.stringify(what),
  }
}

/** The way out leads to the appserver alone, when it is asked for. */
const hostOf = (random: Random, door: Door): string =>
  door === "egress" && chance(random, 0.7)
    ? "yelb-appserver"
    : chance(random, 0.5)
      ? pick(random, HOSTS)
      : `${MARK}.example`

function bytesOf(status: number, call: string, path: string, headers: readonly [string, string][]): string {
  const behaviour = { status }
  const all = [
    ...headers,
    [CALL_HEADER, call],
    [BEHAVIOUR_HEADER, JSON.stringify({ "yelb-ui": behaviour, "yelb-appserver": behaviour })],
    ["connection", "close"],
  ]
  return `GET ${path} HTTP/1.1\r\n${all.map(([name, value]) => `${name}: ${value}\r\n`).join("")}\r\n`
}
