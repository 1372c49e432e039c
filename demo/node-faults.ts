import type { FaultKind } from "./faults.ts"
import type { Stage } from "./stage.ts"

const withMember = <T>(set: ReadonlySet<T>, member: T): ReadonlySet<T> => new Set([...set, member])
const without = <T>(set: ReadonlySet<T>, member: T): ReadonlySet<T> =>
  new Set([...set].filter((other) => other !== member))

/** Ends or starts the applications of all pods of a node. */
export async function switchApp(stage: Stage, node: string, kind: "down" | "up"): Promise<void> {
  const pods = stage.fleet.placement.pods.filter(({ resource }) => resource === node)
  await Promise.all(pods.map((pod) => stage.fleet.apps.order({ kind, pod: pod.name })))
}

const killApp: FaultKind = {
  usage: "kill-app [node]",
  help: "the node's applications refuse connections",
  read(words) {
    const node = words.node()
    return async (stage) => {
      const down = withMember(stage.condition().down, node)
      await stage.change({ down }, () => switchApp(stage, node, "down"))
      return `The applications of ${node} are down.`
    }
  },
}

const reviveApp: FaultKind = {
  usage: "revive-app [node]",
  help: "they serve again",
  read(words) {
    const node = words.node()
    return async (stage) => {
      const down = without(stage.condition().down, node)
      await stage.change({ down }, () => switchApp(stage, node, "up"))
      return `The applications of ${node} serve again.`
    }
  },
}

const slowApp: FaultKind = {
  usage: "slow-app [node] [ms]",
  help: "each answer takes so much longer (default 300); 0 ends it",
  read(words) {
    const [node, delayMs] = [words.node(), words.number(300, 0)]
    return async (stage) => {
      await stage.change({}, () => stage.fleet.apps.order({ kind: "slow", node, delayMs }))
      return `${node} answers ${delayMs} ms later.`
    }
  },
}

const abortApp: FaultKind = {
  usage: "abort-app [node] [on|off]",
  help: "the application cuts the connection instead of answering",
  read(words) {
    const [node, on] = [words.node(), words.onOff()]
    return async (stage) => {
      await stage.change({}, () => stage.fleet.apps.order({ kind: "abort", node, on }))
      return on ? `${node} cuts connections.` : `${node} answers again.`
    }
  },
}

const noEndpoints: FaultKind = {
  usage: "no-endpoints [node] [on|off]",
  help: "callers know no endpoint of the node",
  read(words) {
    const [node, on] = [words.node(), words.onOff()]
    return async (stage) => {
      const before = stage.condition().withoutEndpoints
      await stage.change({ withoutEndpoints: on ? withMember(before, node) : without(before, node) })
      return on ? `${node} has no endpoints.` : `${node} has its endpoints again.`
    }
  },
}

const breaker: FaultKind = {
  usage: "breaker [node] [requests|off]",
  help: "the node's own proxy lets so many requests through at once (default 1), and the application is slow",
  read(words) {
    const node = words.node()
    const maxRequests = words.off() ? undefined : words.number(1, 0)
    return async (stage) => {
      const breakers = new Map(stage.condition().breakers)
      if (maxRequests === undefined) breakers.delete(node)
      else breakers.set(node, { maxRequests })
      const delayMs = maxRequests === undefined ? 0 : 200
      await stage.change({ breakers }, () => stage.fleet.apps.order({ kind: "slow", node, delayMs }))
      return maxRequests === undefined
        ? `${node} takes all requests.`
        : `${node} takes ${maxRequests} at once of all requests.`
    }
  },
}

/** What may happen to a virtual node. */
export const NODE_FAULTS: readonly FaultKind[] = [killApp, reviveApp, slowApp, abortApp, noEndpoints, breaker]
