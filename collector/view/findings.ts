import { HEALTH_RULES } from "#mesh/health.ts"
import type { Board } from "./board.ts"
import { type Detail, enough, MOST, type Rule } from "./finding-rule.ts"
import type { Finding, TargetRow } from "./route-detail.ts"
import type { RouteReading } from "./route-reading.ts"
import {
  applicationRefuses,
  atTarget,
  connectionFailures,
  faultsBehind,
  oneHopLater,
} from "./target-findings.ts"
import { thousands } from "./thousands.ts"
import { percent } from "./verdict.ts"

/** Fewer requests than this do not clear a target or a caller. */
const ENOUGH = 20

/** Causes that the numbers on the page prove, each with its evidence and what would disprove it. No evidence, no finding. */
export function findingsOf(board: Board, detail: Detail, route: RouteReading): Finding[] {
  return RULES.flatMap((rule) => rule(board, detail, route))
}

/** All errors, or nearly all, stand at one target while another, with traffic, is well. */
const oneTarget: Rule = (_board, detail) => {
  const [worst] = detail.targets.toSorted((a, b) => b.numbers.errors - a.numbers.errors)
  if (!enough(detail) || worst === undefined) return []
  const clean = detail.targets.filter(
    ({ virtualNode, numbers }) =>
      virtualNode !== worst.virtualNode &&
      numbers.requests >= ENOUGH &&
      (numbers.errorRatio ?? 0) < HEALTH_RULES.degradedErrorRatio,
  )
  const { errors } = detail.now
  if (clean.length === 0 || worst.numbers.errors < errors * MOST) return []
  const all = worst.numbers.errors === errors
  return [
    {
      id: "one-target",
      sentence: all
        ? `All errors of this route are at ${worst.virtualNode}.`
        : `${percent(worst.numbers.errors / errors)} of this route's errors are at ${worst.virtualNode}.`,
      evidence: [
        `${worst.virtualNode}: ${thousands(worst.numbers.errors)} errors in ${thousands(worst.numbers.requests)} requests.`,
        ...clean.map(
          ({ virtualNode, numbers }) =>
            `${virtualNode}: ${numbers.errors === 0 ? "none" : thousands(numbers.errors)} in ${thousands(numbers.requests)}.`,
        ),
      ],
      refutation: [
        all
          ? "An error at another target."
          : `Another target with ${percent(HEALTH_RULES.degradedErrorRatio)} errors.`,
        `Errors that go on after the weight of ${worst.virtualNode} is 0.`,
      ],
      unseen: [],
    },
  ]
}

/** All errors carry the same flags. */
const oneFlag: Rule = (_board, detail) => {
  const errors = detail.flags.filter((flag) => flag.outcome === "error")
  const flags = new Set(errors.map((flag) => flag.flags))
  const [first] = errors
  const count = errors.reduce((sum, flag) => sum + flag.count, 0)
  if (!enough(detail) || flags.size !== 1 || first === undefined || first.flags === "-") return []
  if (count !== detail.now.errors) return []
  const nodes = [...new Set(errors.map((flag) => flag.virtualNode).filter((name) => name !== ""))]
  const where = nodes.length === 1 ? ` at ${nodes[0]}` : ""
  return [
    {
      id: "one-flag",
      sentence: `All errors are ${first.flags}${where}: ${first.meaning}.`,
      evidence: [`${thousands(count)} of ${thousands(detail.now.errors)} errors carry ${first.flags}.`],
      refutation: ["An error with another flag, or with none."],
      unseen: [],
    },
  ]
}

/**
 * All errors came from upstream, or all from the proxies themselves. Behind an upstream stands another proxy, which may
 * have made the answer itself: only the node's own reporter can clear or blame the application.
 */
const oneAnswerer: Rule = (board, detail) => {
  const errors = detail.flags.filter((flag) => flag.outcome === "error")
  const [first] = errors
  const count = errors.reduce((sum, flag) => sum + flag.count, 0)
  if (!enough(detail) || first === undefined || first.answeredBy === "unknown") return []
  if (errors.some((flag) => flag.answeredBy !== first.answeredBy) || count !== detail.now.errors) return []
  const upstream = first.answeredBy === "app"
  return [
    {
      id: `answered-by-${first.answeredBy}`,
      sentence: upstream
        ? "Every error came back from the target; the callers' proxies only passed it on."
        : "The callers' proxies made every error themselves; none is an answer of the target.",
      evidence: [
        `${thousands(count)} of ${thousands(count)} errors ${upstream ? "were answered by the upstream" : "were made by the proxy that reports"}.`,
      ],
      refutation: [
        upstream ? "An error that a caller's proxy made." : "An error that came back from the target.",
      ],
      unseen:
        upstream &&
        faultsBehind(board, detail).every(({ kind }) => kind === "unreached" || kind === "answers")
          ? ["Whether the target's application or its own proxy answered: see the target itself."]
          : [],
    },
  ]
}

/** A target without a healthy host, as its clients see it. */
const noHosts: Rule = (_board, detail) =>
  detail.targets.flatMap((target) => {
    const { hosts } = target
    if (hosts === null || hosts.total === 0 || hosts.healthy > 0) return []
    return [
      {
        id: `no-hosts/${target.virtualNode}`,
        sentence: `${target.virtualNode} has no healthy host: 0 of ${hosts.total}.`,
        evidence: [
          `${hosts.worstClient ?? `All ${hosts.clients} reporting clients`} see ${hosts.unhealthy} unhealthy, ${hosts.ejected} ejected.`,
        ],
        refutation: [`An answer without error from ${target.virtualNode} while it has no healthy host.`],
        unseen: ["Hosts that no reporting client knows."],
      },
    ]
  })

/** Proxies of a target that wait for a configuration. */
const neverLive: Rule = (board, detail) =>
  detail.targets.flatMap((target) => {
    const { mesh, flavor } = detail.row.key
    const own = board.proxies.filter(
      (proxy) => proxy.mesh === mesh && proxy.flavor === flavor && proxy.resource === target.virtualNode,
    )
    const waiting = own.filter((proxy) => proxy.state === "initializing")
    if (waiting.length === 0) return []
    return [
      {
        id: `never-live/${target.virtualNode}`,
        sentence: `${waiting.length} of ${own.length} proxies of ${target.virtualNode} never became live.`,
        evidence: waiting.map(
          (proxy) =>
            `${proxy.proxy} is initializing${proxy.controlPlane === false ? ", without a control plane" : ""}.`,
        ),
        refutation: ["One of them becoming live while the errors stay."],
        unseen: ["Why they were started."],
      },
    ]
  })

/** Clients that could not connect to a target. */
const connections: Rule = (_board, detail, route) =>
  detail.targets.flatMap((target) => {
    const reasons = connectionFailures(route, target.virtualNode, "callers")
    if (reasons.size === 0 || target.numbers.errors < HEALTH_RULES.minimumErrors) return []
    return [
      {
        id: `connections/${target.virtualNode}`,
        sentence: `Callers' connections to ${target.virtualNode} fail.`,
        evidence: [...reasons].map(([reason, count]) => `${thousands(count)} failed: ${reason}.`),
        refutation: ["Errors that go on without a failed connection."],
        unseen: ["Which of these connections served this route: other routes may lead to the same node."],
      },
    ]
  })

/** One caller has all the errors while another, with traffic, has none. */
const oneCaller: Rule = (_board, detail) => {
  const guilty = detail.callers.filter((caller) => caller.numbers.errors > 0)
  const [only] = guilty
  const clean = detail.callers.filter(
    (caller) => caller.numbers.errors === 0 && caller.numbers.requests >= ENOUGH,
  )
  if (!enough(detail) || guilty.length !== 1 || only === undefined || clean.length === 0) return []
  return [
    {
      id: "one-caller",
      sentence: `Only calls of ${only.name} fail.`,
      evidence: [
        `${only.name}: ${thousands(only.numbers.errors)} errors in ${thousands(only.numbers.requests)} requests.`,
        ...clean.map((caller) => `${caller.name}: none in ${thousands(caller.numbers.requests)}.`),
      ],
      refutation: ["An error of another caller."],
      unseen: [],
    },
  ]
}

/** A target that receives what it should not, or nothing of what it should. */
const weights: Rule = (_board, detail) => {
  const all = detail.targets.reduce((sum, target) => sum + target.numbers.requests, 0)
  const wrong = (target: TargetRow): string | undefined => {
    const { declaredShare: share, numbers } = target
    if (target.declaredWeight === 0 && numbers.requests > 0)
      return `${target.virtualNode} is declared with weight 0 and received ${thousands(numbers.requests)} requests.`
    // With n requests and a share p, none at all has a chance of (1 - p)^n.
    if (share !== null && share > 0 && numbers.requests === 0 && (1 - share) ** all < 1e-6)
      return `${target.virtualNode} is declared with ${percent(share)} and received none of ${thousands(all)} requests.`
    return undefined
  }
  return detail.targets.flatMap((target) => {
    const sentence = wrong(target)
    if (sentence === undefined || detail.target !== null) return []
    return [
      {
        id: `weight/${target.virtualNode}`,
        sentence,
        evidence: [`Declared weight ${target.declaredWeight}; ${thousands(all)} requests in the window.`],
        refutation: [
          "Proxies that still run an older configuration: then the declared weight is not in force yet.",
        ],
        unseen: [],
      },
    ]
  })
}

const RULES: readonly Rule[] = [
  oneHopLater,
  atTarget,
  applicationRefuses,
  noHosts,
  neverLive,
  oneTarget,
  oneFlag,
  oneAnswerer,
  connections,
  oneCaller,
  weights,
]
