import type { DeclaredMesh } from "#mesh/declared.ts"
import type { Placement } from "./control-plane/placement.ts"
import { pickWeighted, type Random, seeded } from "./random.ts"
import { BEHAVIOUR_HEADER, CALL_HEADER, type Entry } from "./records.ts"
import { SCENARIOS, type Scenario, type Shape } from "./scenarios.ts"

/** One request before it is sent. */
export interface Planned {
  readonly scenario: string
  readonly request: string
  readonly call: string
  readonly entry: Entry
  readonly host: string
  readonly port: number
  readonly authority: string
  readonly method: string
  readonly path: string
  readonly body: string
  readonly userAgent: string
  /** All that is sent beside host and user agent; lower-case names. */
  readonly headers: Readonly<Record<string, string>>
  readonly abort: boolean
}

export interface PlanOptions {
  readonly mesh: DeclaredMesh
  readonly placement: Placement
  readonly seed: number
  /** `all` meets every case in short time, `everyday` is mostly fine. */
  readonly mix: "all" | "everyday"
  /** When the traces began that the requests belong to, s since the epoch. Default: the seed. */
  readonly tracesBegan?: number
  /** Asked per request: names of scenarios to leave out, and shares that a fault adds. */
  readonly extra?: () => readonly Scenario[]
}

/** Endless; the same options give the same requests. */
export function* planRequests(options: PlanOptions): Generator<Planned, never> {
  const random = seeded(options.seed)
  const entry = gatewayDoor(options)
  const known = scenariosFor(options)
  for (let n = 1; ; n++) {
    const [first, ...rest] = [...known, ...(options.extra?.() ?? [])].map((scenario) => ({
      scenario,
      weight: scenario.weights[options.mix],
    }))
    if (first === undefined) throw new Error("the mesh fits no scenario")
    const { scenario } = pickWeighted(random, [first, ...rest])
    const shape = scenario.make(random)
    yield planned(options, scenario, shape, n, doorOf(options, shape, random) ?? entry)
  }
}

/** Extended scenarios only where the mesh declares the resources that they need. */
function scenariosFor({ mesh }: PlanOptions): readonly Scenario[] {
  const isExtended = mesh.virtualServices.some(({ name }) => name === "yelb-recommend")
  return SCENARIOS.filter((scenario) => isExtended || scenario.extended !== true)
}

interface Door {
  readonly entry: Entry
  readonly host: string
  readonly port: number
  readonly authority: string
}

function gatewayDoor({ mesh, placement }: PlanOptions): Door {
  const [gateway] = mesh.virtualGateways
  const pod = placement.pods.find(({ resource }) => resource === gateway?.name)
  const port = gateway?.listeners[0]?.port
  if (gateway === undefined || pod === undefined || port === undefined) {
    throw new Error("the load needs a gateway")
  }
  return {
    entry: { kind: "gateway", gateway: gateway.name },
    host: pod.address,
    port,
    authority: "yelb.example",
  }
}

/** A pod's own ingress, as its neighbours' health checkers call it. */
function doorOf({ mesh, placement }: PlanOptions, { direct }: Shape, random: Random): Door | undefined {
  if (direct === undefined) return undefined
  const pods = placement.pods.filter(
    ({ kind, resource }) => kind === "virtual_node" && resource.includes(direct) && !resource.endsWith("v2"),
  )
  const pod = pods[Math.floor(random() * pods.length)]
  const listener = mesh.virtualNodes
    .find(({ name }) => name === pod?.resource)
    ?.listeners.find(({ protocol }) => protocol === "http")
  if (pod === undefined || listener === undefined) return undefined
  const entry: Entry = { kind: "ingress", node: pod.resource }
  return { entry, host: pod.address, port: listener.port, authority: direct }
}

function planned(options: PlanOptions, scenario: Scenario, shape: Shape, n: number, door: Door): Planned {
  const request = requestId(options.seed, n)
  const { method = "GET", path, body = "", behaviours, canary, abort } = shape
  return {
    ...door,
    scenario: scenario.name,
    request,
    call: `client-${request}`,
    method,
    path,
    body,
    userAgent: shape.userAgent ?? "meshscope-demo/1",
    headers: {
      "x-request-id": request,
      [CALL_HEADER]: `client-${request}`,
      "x-amzn-trace-id": traceId(options.tracesBegan ?? options.seed, n),
      ...(behaviours === undefined ? {} : { [BEHAVIOUR_HEADER]: JSON.stringify(behaviours) }),
      ...(canary === undefined ? {} : { "x-canary": "v2" }),
    },
    abort: abort ?? false,
  }
}

/** A UUID, as callers send them: Envoy traces no request whose id is another text, unless its tracer is X-Ray's. */
const requestId = (seed: number, n: number): string => `${hex(seed >>> 0, 8)}-0000-4000-8000-${hex(n, 12)}`

/** An X-Ray root, sampled; unique per request. */
const traceId = (began: number, n: number): string => `Root=1-${hex(began >>> 0, 8)}-${hex(n, 24)};Sampled=1`

const hex = (value: number, digits: number): string => value.toString(16).padStart(digits, "0")
