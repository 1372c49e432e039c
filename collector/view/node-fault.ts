import { FLAGS } from "#mesh/flags.ts"
import { HEALTH_RULES } from "#mesh/health.ts"
import type { Reporter } from "#mesh/resource.ts"
import type { HostsSeen } from "./answer.ts"
import { callerSaw } from "./caller-saw.ts"
import { named, total } from "./fact.ts"
import { nodeKey } from "./hosts.ts"
import { addSteps, type NodeSteps, noSteps, quietEnd, spellAt } from "./node-steps.ts"
import type { Proxy } from "./proxy-list.ts"
import { NODE_BY, RECENT_BY, type Reading } from "./reading.ts"
import { thousands } from "./thousands.ts"
import { clockText } from "./time-text.ts"

/**
 * `behind`: its own proxy could not get an answer from its application. `application`: its application answered with
 * errors. `answers`: one of both, and the log does not say which. `unreached`: callers' proxies could not get an
 * answer from it. `passed`: its application fails as often as the calls that it makes itself.
 */
export type NodeFaultKind = "behind" | "application" | "answers" | "unreached" | "passed"

/** What goes wrong at one virtual node, told by counts: its own proxy's, or its callers' where it was never reached. */
export interface NodeFault {
  readonly mesh: string
  readonly flavor: string
  readonly virtualNode: string
  readonly kind: NodeFaultKind
  /** Without a full stop; in the past tense once it has ended. */
  readonly sentence: string
  readonly evidence: readonly string[]
  readonly refutation: readonly string[]
  readonly unseen: readonly string[]
  readonly errors: number
  /** Requests that these errors are part of. */
  readonly requests: number
  /** When it began within the window, ms; undefined where it may have begun before. */
  readonly sinceMs: number | undefined
  /** When it ended, ms; undefined while it goes on. */
  readonly endedMs: number | undefined
  /** For a narrow place, without the node's name; `unreached` only. */
  readonly short: string | null
  /** Where most of its own calls fail; `passed` only. */
  readonly to: string | null
}

/** Failed calls that explain a node's own errors: so many of them, at least. */
const PASSED_SHARE = 0.8

interface Sums {
  readonly mesh: string
  readonly flavor: string
  readonly name: string
  /** Requests that the node's own proxy judged, and that its callers judged. */
  own: number
  called: number
  /** Errors by who made them, then by flags. */
  readonly byProxy: Map<string, number>
  readonly byApp: Map<string, number>
  readonly byUnknown: Map<string, number>
  readonly byCallers: Map<string, number>
  /** Failed calls of the node itself, by target. */
  readonly calls: Map<string, number>
  readonly recent: { answered: number; errors: number }
  /** Over the window, as its own proxy and as its callers saw it. */
  readonly seen: { own: NodeSteps; called: NodeSteps }
  /** Whether callers know a healthy host now; undefined where none tells. */
  hosts: boolean | undefined
}

/** Faults of all nodes that have one, by `nodeKey`. */
export function nodeFaults(
  reading: Reading,
  proxies: readonly Proxy[],
  hosts: ReadonlyMap<string, HostsSeen>,
): Map<string, NodeFault> {
  const faults = new Map<string, NodeFault>()
  for (const [key, sums] of collect(reading)) {
    const seen = hosts.get(key)
    if (seen !== undefined && seen.total > 0) sums.hosts = seen.healthy > 0
    const pods = proxies.filter(
      (proxy) => proxy.mesh === sums.mesh && proxy.flavor === sums.flavor && proxy.resource === sums.name,
    ).length
    const fault = faultOf(sums, pods, reading)
    if (fault !== undefined) faults.set(key, fault)
  }
  return faults
}

function collect(reading: Reading): Map<string, Sums> {
  const all = new Map<string, Sums>()
  const at = (mesh: string, flavor: string, name: string): Sums => {
    const key = nodeKey(mesh, flavor, name)
    const known = all.get(key)
    if (known !== undefined) return known
    const made: Sums = {
      mesh,
      flavor,
      name,
      own: 0,
      called: 0,
      byProxy: new Map(),
      byApp: new Map(),
      byUnknown: new Map(),
      byCallers: new Map(),
      calls: new Map(),
      recent: { answered: 0, errors: 0 },
      seen: { own: noSteps(reading), called: noSteps(reading) },
      hosts: undefined,
    }
    all.set(key, made)
    return made
  }
  for (const { key, reporter, source, virtualNode, outcome, count } of reading.requests) {
    if (outcome === "aborted" || !seesNode(reporter, key)) continue
    if (isNode(virtualNode)) {
      const sums = at(key.mesh, key.flavor, virtualNode)
      if (reporter === "destination") sums.own += count
      else sums.called += count
    }
    if (reporter === "source" && source !== "" && outcome === "error")
      add(at(key.mesh, key.flavor, source).calls, virtualNode, count)
  }
  for (const { key, reporter, virtualNode, outcome, flags, answeredBy, count } of reading.failures) {
    if (outcome !== "error" || !isNode(virtualNode) || !seesNode(reporter, key)) continue
    const sums = at(key.mesh, key.flavor, virtualNode)
    if (reporter !== "destination") {
      if (answeredBy === "proxy") add(sums.byCallers, flags, count)
    } else if (answeredBy === "proxy") add(sums.byProxy, flags, count)
    else add(answeredBy === "app" ? sums.byApp : sums.byUnknown, flags, count)
  }
  for (const group of reading.recent.groups) {
    const labels = named(RECENT_BY, group)
    const name = labels.get("virtual_node") ?? ""
    const outcome = labels.get("outcome")
    if (!isNode(name) || outcome === "aborted") continue
    const { recent } = at(labels.get("mesh") ?? "", labels.get("flavor") ?? "", name)
    if (outcome === "error") recent.errors += total(group.values)
    else recent.answered += total(group.values)
  }
  for (const group of reading.nodes.groups) {
    const labels = named(NODE_BY, group)
    const name = labels.get("virtual_node") ?? ""
    if (!isNode(name)) continue
    const { seen } = at(labels.get("mesh") ?? "", labels.get("flavor") ?? "", name)
    addSteps(
      labels.get("reporter") !== "destination" ? seen.called : seen.own,
      labels.get("outcome") ?? "",
      group,
    )
  }
  return all
}

/** The node itself, or a caller of it. */
const seesNode = (reporter: Reporter, key: { readonly flavor: string }): boolean =>
  reporter === "destination" || callerSaw(reporter, key)

/** Names in brackets, and what never had a target, are no nodes. */
const isNode = (name: string): boolean => name !== "" && !name.startsWith("(")

function add(counts: Map<string, number>, key: string, count: number): void {
  if (count > 0) counts.set(key, (counts.get(key) ?? 0) + count)
}

function sumOf(counts: ReadonlyMap<string, number>): number {
  let sum = 0
  for (const count of counts.values()) sum += count
  return sum
}

/** The most frequent key. */
function topOf(counts: ReadonlyMap<string, number>): string {
  return [...counts].toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? ""
}

type Telling = Pick<NodeFault, "kind" | "sentence" | "evidence" | "refutation" | "unseen" | "to"> & {
  readonly short?: string
}

/** The kind with most errors, when they are enough to make a state. */
function faultOf(sums: Sums, pods: number, reading: Reading): NodeFault | undefined {
  const { own, called } = sums.seen
  const kinds: readonly (readonly [
    ReadonlyMap<string, number>,
    number,
    NodeSteps,
    (was: boolean) => Telling,
  ])[] = [
    [sums.byProxy, sums.own, own, (was) => behind(sums, pods, was)],
    [sums.byApp, sums.own, own, (was) => application(sums, was)],
    [sums.byUnknown, sums.own, own, (was) => answers(sums, was)],
    [sums.byCallers, sums.called, called, (was) => unreached(sums, was)],
  ]
  const [worst] = kinds
    .map(([counts, all, steps, tell]) => ({ errors: sumOf(counts), all, steps, tell }))
    .filter(
      ({ errors, all }) =>
        errors >= HEALTH_RULES.minimumErrors && errors >= all * HEALTH_RULES.degradedErrorRatio,
    )
    .toSorted((a, b) => b.errors - a.errors)
  if (worst === undefined) return undefined
  const { mesh, flavor, name } = sums
  const spell = spellAt(worst.steps, reading)
  const noHost = worst.steps === called && topOf(sums.byCallers).split(",").includes("UH")
  // What the hosts are now is told sooner than by requests: no host, no end; hosts again, no errors: an end.
  const endedMs =
    noHost && sums.hosts !== undefined
      ? sums.hosts
        ? (spell?.endedMs ?? quietEnd(worst.steps, reading))
        : undefined
      : spell?.endedMs
  const told = worst.tell(endedMs !== undefined)
  return {
    mesh,
    flavor,
    virtualNode: name,
    short: null,
    errors: worst.errors,
    requests: worst.all,
    sinceMs: spell === undefined || spell.sinceMs <= reading.nodes.fromMs ? undefined : spell.sinceMs,
    endedMs,
    ...told,
    evidence: [...told.evidence, ...(endedMs === undefined ? [] : [`It ended ${clockText(endedMs)} UTC.`])],
  }
}

const MEANINGS: ReadonlyMap<string, string> = new Map(FLAGS.map((flag) => [flag.name, flag.meaning]))

function meaning(flags: string): string {
  const words = flags.split(",").map((flag) => MEANINGS.get(flag) ?? "")
  return words.filter((word) => word !== "").join("; ")
}

/** `UF (the upstream connection failed)`. */
function flagWords(flags: string): string {
  const words = meaning(flags)
  if (flags === "-") return "without a flag"
  return words === "" ? flags : `${flags} (${words})`
}

/** A sentence about a node, in the past tense of what was. */
type Words = (node: string, was: boolean) => string

/** What a flag of the node's own proxy says about what stands behind it. First that is there. */
const BEHIND: readonly (readonly [string, Words])[] = [
  ["UF", (node, was) => `Applications behind ${node}'s own proxy ${was ? "refused" : "refuse"} connections`],
  ["UO", (node, was) => `The circuit breaker of ${node}'s own proxy ${was ? "was" : "is"} full`],
  [
    "UT",
    (node, was) => `The application of ${node} ${was ? "did" : "does"} not answer its own proxy in time`,
  ],
  [
    "UC",
    (node, was) => `The application of ${node} ${was ? "cut" : "cuts"} connections instead of answering`,
  ],
  [
    "UR",
    (node, was) => `The application of ${node} ${was ? "reset" : "resets"} requests instead of answering`,
  ],
  ["UH", (node, was) => `${node}'s own proxy ${was ? "had" : "has"} no host to send to`],
]

function behind({ name, byProxy, recent, own }: Sums, pods: number, was: boolean): Telling {
  const flags = topOf(byProxy)
  const errors = sumOf(byProxy)
  const [flag, words] = BEHIND.find(([known]) => flags.split(",").includes(known)) ?? []
  const nothing =
    !was && flag === "UF" && recent.answered === 0 && recent.errors >= HEALTH_RULES.minimumErrors
  const latest = `In the last 30 s none of ${thousands(recent.errors)} requests was answered.`
  return {
    kind: "behind",
    sentence: nothing
      ? `Nothing answers behind ${name}'s own proxy`
      : (words?.(name, was) ?? `${name}'s own proxy ${was ? "failed" : "fails"} requests itself`),
    evidence: [
      `That proxy made ${thousands(errors)} errors itself in ${thousands(own)} requests, mostly ${flagWords(flags)}.`,
      ...(nothing ? [latest] : []),
    ],
    refutation: [
      nothing
        ? `An answer of ${name}'s application, asked directly on its port.`
        : `These errors going on while ${name}'s application answers its own proxy.`,
    ],
    unseen: [
      ...(pods > 1 ? [`Which of the ${pods} proxies of ${name}: their counts are added up.`] : []),
      `Why the application of ${name} does so: its own log tells.`,
    ],
    to: null,
  }
}

/** Its application answers with errors: its own, or what its calls met. */
function application(sums: Sums, was: boolean): Telling {
  const { name, byApp, own } = sums
  const errors = sumOf(byApp)
  if (passes(sums, errors)) return passed(sums, errors, was)
  const calls = sumOf(sums.calls)
  return {
    kind: "application",
    sentence: `${name}'s application ${was ? "answered" : "answers"} with errors itself`,
    evidence: [
      `${thousands(errors)} of the ${thousands(own)} requests that reached it came back from the application as errors.`,
      calls === 0
        ? "No call of its own failed."
        : `Only ${thousands(calls)} of its own calls failed, too few to be behind them.`,
    ],
    refutation: [`An error of these that ${name}'s own proxy made.`],
    unseen: ["Calls that the application makes past its proxy."],
    to: null,
  }
}

function answers({ name, byUnknown, own }: Sums, was: boolean): Telling {
  return {
    kind: "answers",
    sentence: `${name} ${was ? "answered" : "answers"} with errors`,
    evidence: [
      `${thousands(sumOf(byUnknown))} of the ${thousands(own)} requests that reached it ended as errors.`,
    ],
    refutation: [`An error of these that a caller's proxy made.`],
    unseen: [
      `Whether ${name}'s application or its own proxy answered: its access log has no %RESPONSE_CODE_DETAILS%.`,
    ],
    to: null,
  }
}

const UNREACHED: readonly (readonly [string, Words, string])[] = [
  [
    "UH",
    (node, was) => `Callers ${was ? "knew" : "know"} no healthy host of ${node}`,
    "callers know no healthy host",
  ],
  [
    "UF",
    (node, was) => `Callers ${was ? "could not" : "cannot"} connect to ${node}`,
    "callers cannot connect",
  ],
  [
    "UO",
    (node, was) => `The circuit breakers of callers of ${node} ${was ? "were" : "are"} full`,
    "callers' breakers are full",
  ],
  [
    "UT",
    (node, was) => `${node} ${was ? "did" : "does"} not answer its callers in time`,
    "too slow for its callers",
  ],
  [
    "UC",
    (node, was) => `Connections to ${node} ${was ? "ended before it answered" : "end before it answers"}`,
    "callers' connections end early",
  ],
  [
    "UR",
    (node, was) => `${node} ${was ? "reset" : "resets"} requests instead of answering`,
    "resets callers' requests",
  ],
  [
    "DF",
    (node, was) => `Callers ${was ? "could not" : "cannot"} resolve the name of ${node}`,
    "callers cannot resolve its name",
  ],
]

function unreached(sums: Sums, was: boolean): Telling {
  const { name, byCallers, called, own } = sums
  const flags = topOf(byCallers)
  const errors = sumOf(byCallers)
  const [flag, words, short = "callers' proxies fail"] =
    UNREACHED.find(([known]) => flags.split(",").includes(known)) ?? []
  if (flag === "UT" && passes(sums, errors)) return passed(sums, errors, was)
  return {
    kind: "unreached",
    short,
    sentence:
      words?.(name, was) ?? `Callers' proxies ${was ? "failed" : "fail"} requests to ${name} themselves`,
    evidence: [
      `Callers' proxies made ${thousands(errors)} errors in ${thousands(called)} requests to it, mostly ${flagWords(flags)}.`,
      own === 0 ? "Its own proxy tells of no request." : `Its own proxy tells of ${thousands(own)} requests.`,
    ],
    refutation: [`An error of these in the counts of ${name}'s own proxy.`],
    unseen: [`What lies between callers and ${name}.`],
    to: null,
  }
}

function passes({ calls }: Sums, errors: number): boolean {
  return sumOf(calls) >= errors * PASSED_SHARE
}

function passed({ name, calls }: Sums, errors: number, was: boolean): Telling {
  const to = topOf(calls)
  const failed = sumOf(calls)
  const most = calls.get(to) ?? 0
  return {
    kind: "passed",
    sentence: `${name} ${was ? "failed as often as the calls that it made" : "fails as often as the calls that it makes"} itself`,
    evidence: [
      `${thousands(errors)} errors of its own, ${thousands(failed)} failed calls${isNode(to) ? `, ${most === failed ? "all" : thousands(most)} of them to ${to}` : ""}.`,
    ],
    refutation: [`Errors of ${name} that go on while its calls succeed.`],
    unseen: ["Which call was behind which answer: no trace ties them together here."],
    to: isNode(to) ? to : null,
  }
}
