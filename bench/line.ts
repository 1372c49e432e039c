import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { systemClock } from "#mesh/clock.ts"
import { flagBits } from "#mesh/flags.ts"
import { CODE_CLASSES, codeClass, OUTCOMES, outcomeOf } from "#mesh/outcome.ts"
import { makeInterner } from "#mesh/request.ts"
import type { Series } from "#mesh/snapshot.ts"
import { entryReader, fileLoggers, lineReader, readableLogs } from "../agent/access-logs.ts"
import type { Ledger } from "../agent/account/contract.ts"
import { openLedger } from "../agent/account/ledger.ts"
import { makeRequestAccountant } from "../agent/account/requests.ts"
import { makeTally } from "../agent/account/tally.ts"
import { LogLines } from "../agent/log-lines.ts"
import { makeResolver } from "../agent/resolve/resolver.ts"
import {
  CRI_FRAME,
  INGRESS_CLUSTER,
  jsonLine,
  makeRequests,
  nodeName,
  OWN_NODE,
  SERVICES,
  serviceName,
} from "./requests.ts"
import { type BenchResult, bestInTurnMs, printAlone } from "./result.ts"
import { declaredMesh, ROUTES, routeName, routerName, sidecarConfig } from "./sidecar.ts"

/** Few enough to stay in the cache, as what was just read from a file is. */
const LINES = 10_000
const ROUNDS = 40
/** As much as the tailer hands over at once. */
const CHUNK = 256 * 1024
/** 1.2 M lines a second. */
const MOST_NS = 1e9 / 1.2e6

/** P7c: the whole line as the agent has it: framing, decode, resolve, account. The peer is `JSON.parse` and a Map. */
export function lineBench(): Promise<BenchResult[]> {
  const lines = makeRequests(LINES).map(jsonLine)
  const plain = Buffer.from(lines.map((line) => `${line}\n`).join(""))
  const framed = Buffer.from(lines.map((line) => `${CRI_FRAME}${line}\n`).join(""))
  const size = `${Math.round(plain.length / LINES)} B`
  const routes = SERVICES * ROUTES.length
  const one = (what: string, file: Buffer): BenchResult => ({
    id: "P7c",
    what: `the whole line: ${what} of ${size}, ${routes} routes, two paths in three never seen, against JSON.parse and a Map`,
    unit: "ns CPU per line",
    ...compare(file),
    beside:
      "the peer looks for no doubt and no callers, keeps no buckets and nothing durable, so it does less; requests, seconds, bytes and health checks by route, target, class of code and outcome are equal",
    goal: { most: MOST_NS },
  })
  return Promise.resolve([one("JSON lines", plain), one("JSON lines in CRI framing", framed)])
}

function compare(file: Buffer): { ours: number; peer: number } {
  const folder = mkdtempSync(join(tmpdir(), "bench-line-"))
  const ledger = openLedger({ folder, clock: systemClock })
  try {
    const lines = boundLines(ledger)
    const read = (): void => {
      for (let start = 0; start < file.length; ) {
        const end = file.lastIndexOf(10, Math.min(start + CHUNK, file.length) - 1) + 1
        lines.lines(1, file, start, end)
        start = end
      }
    }
    read()
    ledger.commit()
    requireEqual(countsOf(ledger), naiveCounts(file))
    const [ours, peer] = bestInTurnMs(ROUNDS, [read, () => naiveCounts(file)])
    return { ours: (ours * 1e6) / LINES, peer: (peer * 1e6) / LINES }
  } finally {
    ledger.close()
    rmSync(folder, { recursive: true })
  }
}

/** What the agent makes of one proxy with one log file. */
function boundLines(ledger: Ledger): LogLines {
  const lines = new LogLines(makeRequestAccountant({ ledger }), { framing: "auto", maxLineBytes: CHUNK })
  const config = sidecarConfig()
  const readable = readableLogs({ logs: ["/var/log/front.log"] })
  const { reader, abilities } = lineReader(fileLoggers(config, readable))
  const { resolver, provenances, identity } = makeResolver({
    config,
    identity: { proxy: "front" },
    declared: { meshes: [declaredMesh()] },
    interner: makeInterner(),
    readableLogs: readable,
    ...(abilities === undefined ? {} : { abilities }),
  })
  lines.assign(1, {
    binding: { reader, entries: entryReader(config, readable), resolver, provenances },
    tally: makeTally(),
    identity,
    doubt: (doubt) => {
      throw new Error(`a line is in doubt: ${doubt}`)
    },
  })
  return lines
}

/** Requests, seconds and bytes by the labels that `naiveCounts` knows. */
function countsOf(ledger: Ledger): Map<string, number> {
  const counts = new Map<string, number>()
  const { snapshot } = ledger
  for (const { key, series } of snapshot.families) {
    for (const one of series) {
      const name = nameOf(key, one)
      if (name !== undefined) counts.set(name, snapshot.values[one.slot] ?? 0)
    }
  }
  return counts
}

function nameOf(key: string, { labels }: Series): string | undefined {
  const of = new Map(labels)
  const text = (name: string): string => of.get(name) ?? ""
  const where = [text("virtual_router"), text("route"), text("virtual_node")]
  if (key === "requests") return nameText(key, [...where, text("code_class"), text("outcome")])
  if (key === "duration") return nameText(key, [...where, text("outcome")])
  if (key === "responseBytes") return nameText(key, where)
  return key === "healthChecks" ? nameText(key, [text("virtual_node")]) : undefined
}

const nameText = (key: string, labels: readonly string[]): string => [key, ...labels].join(" ")

const SERVICE_OF = new Map(
  Array.from({ length: SERVICES }, (_, service) => [`${serviceName(service)}:8080`, service]),
)

/** The straight way: pass over the framing, parse, look at the strings, add up in a Map. */
function naiveCounts(file: Buffer): Map<string, number> {
  const counts = new Map<string, number>()
  const add = (key: string, labels: readonly string[], amount: number): void => {
    const name = nameText(key, labels)
    counts.set(name, (counts.get(name) ?? 0) + amount)
  }
  for (const line of file.toString("utf8").split("\n")) {
    if (line === "") continue
    const fields: Readonly<Record<string, unknown>> = JSON.parse(line.slice(line.indexOf("{")))
    const inbound = fields["upstream_cluster"] === INGRESS_CLUSTER
    if (inbound && String(fields["user_agent"]).startsWith("kube-probe/")) {
      add("healthChecks", [OWN_NODE], 1)
      continue
    }
    const code = Number(fields["response_code"])
    const outcome = OUTCOMES[outcomeOf(code, -1, flagBits(String(fields["response_flags"])), false)] ?? ""
    const where = inbound
      ? ["", "", OWN_NODE]
      : naiveRoute(String(fields["authority"]), String(fields["path"]))
    add("requests", [...where, CODE_CLASSES[codeClass(code)] ?? "", outcome], 1)
    add("duration", [...where, outcome], Number(fields["duration"]) / 1000)
    add("responseBytes", where, Number(fields["bytes_sent"]))
  }
  return counts
}

/** Router, route and target. */
function naiveRoute(authority: string, path: string): string[] {
  const service = SERVICE_OF.get(authority) ?? -1
  const route = ROUTES.find(({ prefix }) => path.startsWith(prefix))?.name ?? ""
  return [routerName(service), routeName(service, route), nodeName(service)]
}

function requireEqual(ours: ReadonlyMap<string, number>, wanted: ReadonlyMap<string, number>): void {
  if (ours.size !== wanted.size) throw new Error(`${ours.size} series against ${wanted.size}`)
  for (const [name, value] of wanted) {
    const got = ours.get(name)
    if (got === undefined || Math.abs(got - value) > 1e-9 * value) {
      throw new Error(`${name}: ${got} against ${value}`)
    }
  }
}

if (import.meta.main) await printAlone(lineBench)
