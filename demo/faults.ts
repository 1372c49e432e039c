import type { DeclaredMesh, Route, VirtualRouter } from "#mesh/declared.ts"
import { SCENARIOS, type Scenario } from "./scenarios.ts"
import type { Stage } from "./stage.ts"

/** Something that goes wrong, or is shifted, while the load goes on. */
export interface Fault {
  readonly name: string
  readonly usage: string
  readonly help: string
  /** @returns a sentence that says what is in force now */
  apply(stage: Stage, words: readonly string[]): Promise<string>
}

/** A fault command that cannot be understood; the message is for the user. */
export class FaultProblem extends Error {}

const V1 = "yelb-appserver-virtual-node"
const SHARE = { all: 8, everyday: 8 } as const

/** The node that a word means: its name, or the shortest name that holds the word. Without a word the appserver v1. */
function nodeNamed(stage: Stage, word: string | undefined): string {
  const names = stage.fleet.mesh().virtualNodes.map(({ name }) => name)
  const wanted = word ?? V1
  if (names.includes(wanted)) return wanted
  const [found] = names.filter((name) => name.includes(wanted)).toSorted((a, b) => a.length - b.length)
  if (found === undefined)
    throw new FaultProblem(`No virtual node is called ${wanted}. There are: ${names.join(", ")}.`)
  return found
}

function numberNamed(word: string | undefined, fallback: number): number {
  const value = word === undefined ? fallback : Number(word)
  if (!Number.isFinite(value) || value < 0) throw new FaultProblem(`${word} is not a number that fits here.`)
  return value
}

const onOff = (word: string | undefined): boolean => {
  if (word === undefined || word === "on") return true
  if (word === "off") return false
  throw new FaultProblem(`expects on or off, not ${word}`)
}

const withMember = <T>(set: ReadonlySet<T>, member: T): ReadonlySet<T> => new Set([...set, member])
const without = <T>(set: ReadonlySet<T>, member: T): ReadonlySet<T> =>
  new Set([...set].filter((other) => other !== member))

async function switchApp(stage: Stage, node: string, kind: "down" | "up"): Promise<void> {
  const pods = stage.fleet.placement.pods.filter(({ resource }) => resource === node)
  await Promise.all(pods.map((pod) => stage.fleet.apps.order({ kind, pod: pod.name })))
}

const killApp: Fault = {
  name: "kill-app",
  usage: "kill-app [node]",
  help: "the node's applications refuse connections",
  async apply(stage, [word]) {
    const node = nodeNamed(stage, word)
    const down = withMember(stage.condition().down, node)
    await stage.change({ down }, () => switchApp(stage, node, "down"))
    return `The applications of ${node} are down.`
  },
}

const reviveApp: Fault = {
  name: "revive-app",
  usage: "revive-app [node]",
  help: "they serve again",
  async apply(stage, [word]) {
    const node = nodeNamed(stage, word)
    const down = without(stage.condition().down, node)
    await stage.change({ down }, () => switchApp(stage, node, "up"))
    return `The applications of ${node} serve again.`
  },
}

const slowApp: Fault = {
  name: "slow-app",
  usage: "slow-app [node] [ms]",
  help: "each answer takes so much longer; 0 ends it",
  async apply(stage, [word, ms]) {
    const node = nodeNamed(stage, word)
    const delayMs = numberNamed(ms, 300)
    await stage.change({}, () => stage.fleet.apps.order({ kind: "slow", node, delayMs }))
    return `${node} answers ${delayMs} ms later.`
  },
}

const abortApp: Fault = {
  name: "abort-app",
  usage: "abort-app [node] [on|off]",
  help: "the application cuts the connection instead of answering",
  async apply(stage, [word, state]) {
    const node = nodeNamed(stage, word)
    const on = onOff(state)
    await stage.change({}, () => stage.fleet.apps.order({ kind: "abort", node, on }))
    return on ? `${node} cuts connections.` : `${node} answers again.`
  },
}

const noEndpoints: Fault = {
  name: "no-endpoints",
  usage: "no-endpoints [node] [on|off]",
  help: "callers know no endpoint of the node",
  async apply(stage, [word, state]) {
    const node = nodeNamed(stage, word)
    const before = stage.condition().withoutEndpoints
    const withoutEndpoints = onOff(state) ? withMember(before, node) : without(before, node)
    await stage.change({ withoutEndpoints })
    return withoutEndpoints.has(node) ? `${node} has no endpoints.` : `${node} has its endpoints again.`
  },
}

const breaker: Fault = {
  name: "breaker",
  usage: "breaker [node] [requests|off]",
  help: "the node's own proxy lets so many requests through at once, and the application is slow",
  async apply(stage, [word, limit]) {
    const node = nodeNamed(stage, word)
    const breakers = new Map(stage.condition().breakers)
    if (limit === "off") breakers.delete(node)
    else breakers.set(node, { maxRequests: numberNamed(limit, 1) })
    const delayMs = limit === "off" ? 0 : 200
    await stage.change({ breakers }, () => stage.fleet.apps.order({ kind: "slow", node, delayMs }))
    return limit === "off" ? `${node} takes all requests.` : `${node} takes ${limit ?? 1} request at once.`
  },
}

const undeclared: Fault = {
  name: "undeclared",
  usage: "undeclared [on|off]",
  help: "the ui also calls a host that it declares no backend for",
  apply: (stage, [state]) => addTraffic(stage, "undeclared", onOff(state), "Calls to an undeclared backend"),
}

async function addTraffic(stage: Stage, name: string, on: boolean, what: string): Promise<string> {
  const others = stage.condition().extra.filter((scenario) => scenario.name !== name)
  const extra = on ? [...others, ...added(name)] : others
  await stage.change({ extra })
  return `${what} ${on ? "are part of the load" : "are as before"}.`
}

const added = (name: string): readonly Scenario[] =>
  SCENARIOS.filter((scenario) => scenario.name === name).map((scenario) =>
    Object.assign({}, scenario, { weights: SHARE }),
  )

const removeRoute: Fault = {
  name: "remove-route",
  usage: "remove-route [route]",
  help: "the route is gone from its router",
  async apply(stage, [word]) {
    const mesh = stage.condition().mesh
    const wanted = word ?? "route-to-yelb-appserver"
    if (mesh.virtualRouters.every(({ routes }) => routes.every(({ name }) => name !== wanted))) {
      throw new FaultProblem(`No route is called ${wanted}.`)
    }
    const routes = (router: VirtualRouter): readonly Route[] =>
      router.routes.filter(({ name }) => name !== wanted)
    await stage.change({ mesh: withRoutes(mesh, routes) })
    return `The route ${wanted} is gone.`
  },
}

const weights: Fault = {
  name: "weights",
  usage: "weights <v1>:<v2>",
  help: "shifts all routes with two targets, e.g. 1:0, 1:1, 99:1, 0:1",
  async apply(stage, [word = ""]) {
    const shares = /^(\d{1,3}):(\d{1,3})$/.exec(word)?.slice(1).map(Number)
    if (shares === undefined || shares.every((share) => share === 0)) {
      throw new FaultProblem("expects two weights such as 99:1, not both 0")
    }
    const shift = (route: Route): Route => ({
      ...route,
      targets: route.targets.map((target, at) => ({ ...target, weight: shares[at] ?? 0 })),
    })
    const routes = (router: VirtualRouter): readonly Route[] =>
      router.routes.map((route) => (route.targets.length === 2 ? shift(route) : route))
    await stage.change({ mesh: withRoutes(stage.condition().mesh, routes) })
    return `Weights are ${word}.`
  },
}

const CANARY: Route = {
  name: "canary",
  priority: 1,
  protocol: "http",
  match: { path: { prefix: "/api" }, headers: [{ name: "x-canary", match: { exact: "v2" } }] },
  targets: [{ virtualNode: "yelb-appserver-virtual-node-v2", weight: 1 }],
}

const canary: Fault = {
  name: "canary",
  usage: "canary [on|off]",
  help: "requests with the header x-canary: v2 go to appserver v2, and the load holds such",
  async apply(stage, [state]) {
    const on = onOff(state)
    const others = stage.condition().extra.filter(({ name }) => name !== "canary")
    const routes = ({ name, routes: own }: VirtualRouter): readonly Route[] => {
      if (!name.startsWith("yelb-appserver")) return own
      const rest = own.filter((route) => route.name !== CANARY.name)
      return on ? [CANARY, ...rest] : rest
    }
    const mesh = withRoutes(stage.condition().mesh, routes)
    await stage.change({ mesh, extra: on ? [...others, ...added("canary")] : others })
    return on ? "Canary requests go to appserver v2." : "There is no canary route."
  },
}

function withRoutes(mesh: DeclaredMesh, routes: (router: VirtualRouter) => readonly Route[]): DeclaredMesh {
  const routers = mesh.virtualRouters.map((router) => Object.assign({}, router, { routes: routes(router) }))
  return Object.assign({}, mesh, { virtualRouters: routers })
}

/** Back to the mesh as it was declared. */
function healFault(declared: DeclaredMesh): Fault {
  return {
    name: "heal",
    usage: "heal",
    help: "ends all faults, and brings back the declared routes and weights",
    async apply(stage) {
      const { apps } = stage.fleet
      const nodes = stage.fleet.mesh().virtualNodes.map(({ name }) => name)
      const well = { mesh: declared, down: new Set<string>(), withoutEndpoints: new Set<string>() }
      await stage.change({ ...well, breakers: new Map(), extra: [] }, async () => {
        for (const node of nodes) {
          await switchApp(stage, node, "up")
          await apps.order({ kind: "slow", node, delayMs: 0 })
          await apps.order({ kind: "abort", node, on: false })
        }
      })
      return "Everything is as declared."
    },
  }
}

/** All faults of a stage that was started with `declared`. */
export function faultsOf(declared: DeclaredMesh): readonly Fault[] {
  return [
    killApp,
    reviveApp,
    slowApp,
    abortApp,
    noEndpoints,
    removeRoute,
    breaker,
    undeclared,
    weights,
    canary,
    healFault(declared),
  ]
}

/** Name and words of a line such as `weights 99:1`. @throws FaultProblem that names the faults there are */
export function faultNamed(
  faults: readonly Fault[],
  line: string,
): { readonly fault: Fault; readonly words: readonly string[] } {
  const [name, ...words] = line.trim().split(/\s+/)
  const fault = faults.find((known) => known.name === name)
  if (fault !== undefined) return { fault, words }
  const names = faults.map((known) => known.name).join(", ")
  throw new FaultProblem(`There is no fault ${name}. There are: ${names}.`)
}

/** Runs one line such as `weights 99:1`. @throws FaultProblem with a sentence for the user */
export async function applyFault(faults: readonly Fault[], stage: Stage, line: string): Promise<string> {
  const { fault, words } = faultNamed(faults, line)
  return fault.apply(stage, words)
}

export function faultHelp(faults: readonly Fault[]): string {
  const width = Math.max(...faults.map(({ usage }) => usage.length))
  return faults.map(({ usage, help }) => `  ${usage.padEnd(width)}  ${help}`).join("\n")
}
