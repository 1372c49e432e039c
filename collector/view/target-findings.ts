import { HEALTH_RULES } from "#mesh/health.ts"
import type { Board } from "./board.ts"
import { callerSaw } from "./caller-saw.ts"
import { named, total } from "./fact.ts"
import { type Detail, enough, MOST, type Rule } from "./finding-rule.ts"
import { nodeKey } from "./hosts.ts"
import type { NodeFault } from "./node-fault.ts"
import { REASON_BY, type RouteReading } from "./route-reading.ts"
import { thousands } from "./thousands.ts"

/** Of a route's errors, those at one target that make the target worth a look. */
const GOOD_PART = 0.25

/** Nodes that the route's errors are at, most errors first; App Mesh's second pass tells for a gateway route. */
function errorsByTarget(board: Board, detail: Detail): (readonly [string, number])[] {
  const { row } = detail
  const counts = new Map<string, number>()
  if (!callerSaw(row.reporter, row.key)) {
    const { mesh, flavor, virtualGateway, virtualService } = row.key
    for (const { key, reporter, virtualNode, outcome, count } of board.reading.requests)
      if (
        reporter === "source" &&
        outcome === "error" &&
        key.mesh === mesh &&
        key.flavor === flavor &&
        key.virtualGateway === virtualGateway &&
        key.virtualService === virtualService
      )
        counts.set(virtualNode, (counts.get(virtualNode) ?? 0) + count)
  } else
    for (const { virtualNode, numbers } of detail.targets)
      if (numbers.errors > 0) counts.set(virtualNode, numbers.errors)
  return [...counts].filter(([node, count]) => node !== "" && count > 0).toSorted((a, b) => b[1] - a[1])
}

/** The faults of nodes that have a good part of the route's errors, and those of the nodes that they pass on. */
export function faultsBehind(board: Board, detail: Detail): NodeFault[] {
  const { mesh, flavor } = detail.row.key
  const found: NodeFault[] = []
  const take = (name: string): void => {
    const fault = board.faults.get(nodeKey(mesh, flavor, name))
    if (fault === undefined || found.includes(fault)) return
    found.push(fault)
    if (fault.kind === "passed" && fault.to !== null) take(fault.to)
  }
  for (const [name, errors] of errorsByTarget(board, detail))
    if (errors >= HEALTH_RULES.minimumErrors && errors >= detail.now.errors * GOOD_PART) take(name)
  return found
}

/** Whether callers know no host of a target at all: then no count of hosts tells what they cannot reach. */
function hasNoHost({ targets }: Detail, node: string): boolean {
  return targets.find(({ virtualNode }) => virtualNode === node)?.hosts?.total === 0
}

/**
 * What the target itself says: its own proxy, its application, or the calls that it makes; what its callers say where it
 * has no host.
 */
export const atTarget: Rule = (board, detail, route) =>
  faultsBehind(board, detail)
    .filter(({ kind, virtualNode }) => kind !== "unreached" || hasNoHost(detail, virtualNode))
    .map((fault) => {
      const refused =
        fault.kind === "behind" ? connectionFailures(route, fault.virtualNode, "own") : new Map()
      const reasons = reasonsText(refused)
      return {
        id: `${fault.kind}/${fault.virtualNode}`,
        sentence: `${fault.sentence}.`,
        evidence: [
          ...fault.evidence,
          ...(reasons === "" ? [] : [`Its connections to the application failed: ${reasons}.`]),
        ],
        refutation: fault.refutation,
        unseen: [
          ...fault.unseen,
          ...(route.filter.caller === null
            ? []
            : [`Which of ${fault.virtualNode}'s requests came from ${route.filter.caller}.`]),
        ],
      }
    })

/** A node that speaks TCP, whose own proxy cannot connect to its application: no request tells of it. */
export const applicationRefuses: Rule = (board, { row, targets }, route) => {
  const { tcp, key } = row
  if (tcp === null || tcp.closedWithError < HEALTH_RULES.minimumErrors) return []
  return targets.flatMap(({ virtualNode: name }) => {
    const failed = connectionFailures(route, name, "own")
    const count = [...failed.values()].reduce((sum, each) => sum + each, 0)
    const told = board.faults.has(nodeKey(key.mesh, key.flavor, name))
    if (told || count < HEALTH_RULES.minimumErrors) return []
    return [
      {
        id: `application-refuses/${name}`,
        sentence: `${name}'s own proxy cannot connect to its application.`,
        evidence: [
          `Its connections to the application failed: ${reasonsText(failed)}.`,
          `Of the connections that callers opened, ${thousands(tcp.closedWithError)} of ${thousands(tcp.closed)} ended with an error.`,
        ],
        refutation: [`An answer of ${name}'s application, asked directly on its port.`],
        unseen: [`Why the application of ${name} does so: its own log tells.`],
      },
    ]
  })
}

function reasonsText(reasons: ReadonlyMap<string, number>): string {
  return [...reasons].map(([reason, count]) => `${thousands(count)} ${reason}`).join(", ")
}

/** App Mesh's gateway handles each request twice: its errors are those of the service, seen one hop earlier. */
export const oneHopLater: Rule = (board, detail) => {
  const { row, now } = detail
  if (callerSaw(row.reporter, row.key) || !enough(detail)) return []
  const targets = errorsByTarget(board, detail)
  const sum = targets.reduce((all, [, count]) => all + count, 0)
  const [first] = targets
  if (first === undefined || sum < now.errors * MOST) return []
  const service = row.key.virtualService
  return [
    {
      id: "one-hop-later",
      sentence: `These are the errors of ${service}, seen one hop earlier.`,
      evidence: [
        `${thousands(now.errors)} errors on the way in, ${thousands(sum)} on the gateway's way on to ${service}: ${targets.map(([node, count]) => `${thousands(count)} at ${node}`).join(", ")}.`,
      ],
      refutation: [`An error here that the gateway never sent on to ${service}.`],
      unseen: [],
    },
  ]
}

/** Failed connections by reason: of the node's own proxy to its application, which names no caller, or of callers. */
export function connectionFailures(
  route: RouteReading,
  node: string,
  of: "own" | "callers",
): Map<string, number> {
  const reasons = new Map<string, number>()
  for (const group of route.connectionFailures.groups) {
    const labels = named(REASON_BY, group)
    const count = total(group.values)
    const own = labels.get("source") === "" && labels.get("virtual_gateway") === ""
    if (labels.get("virtual_node") !== node || count === 0 || own !== (of === "own")) continue
    const reason = labels.get("reason") ?? ""
    reasons.set(reason, (reasons.get(reason) ?? 0) + count)
  }
  return reasons
}
