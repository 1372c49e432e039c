import { readFile, writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { Counts } from "../rig/counts.ts"
import { exposed } from "../rig/exposed.ts"
import { committed } from "../rig/here.ts"
import { REQUEST_NAMES } from "../rig/truth-counts.ts"
import type { Cause, HttpCause, Ours, Seen } from "./cause.ts"
import { CAUSES, isTcp } from "./causes.ts"
import { counted } from "./counters.ts"
import { type Lab, startLab } from "./lab.ts"
import { CALLER } from "./names.ts"
import { honestyPage, type Told } from "./page.ts"

/** Each way to fail, once, on a real Envoy: what we count of it, and what Envoy's counters say. */
const PAGE = join(import.meta.dirname, "../../../docs/honesty.md")
let lab: Lab

beforeAll(async () => {
  lab = await startLab()
}, 60_000)

afterAll(async () => {
  await lab?.stop()
})

test("each cause is on its route, with its outcome, its flag and who answered; docs/honesty.md tells it", async () => {
  const told: Told[] = []
  for (const cause of CAUSES) told.push(await provoked(cause))
  // Whatever came late would be a line too many.
  await sleep(300)
  const { access, other, outlier, malformed, intermediate } = lab.agent.pipeline.lines.counters
  expect({ access, strange: other + outlier + malformed + intermediate }).toEqual({
    access: read,
    strange: 0,
  })
  expect(Object.fromEntries(lab.agent.pipeline.doubts)).toEqual({})
  await pageIs(honestyPage(told))
})

test("nothing is unaccounted, and one line that gets lost is", { timeout: 60_000 }, async () => {
  expect(await unaccounted()).toEqual({})
  lab.lose()
  await sleep(200)
  await lab.caller.ask("/app-200/")
  expect(await unaccounted()).toEqual({ [`virtual_node=${CALLER} reporter=source`]: 1 })
})

/** The gap between listener and log is told when it has lasted for a minute. */
async function unaccounted(): Promise<Counts> {
  for (let look = 0; look < 7; look++) {
    await sleep(1100)
    lab.pass(12_000)
  }
  lab.agent.pipeline.commit()
  return exposed(lab.agent.pipeline.ledger.snapshot, "unaccounted", ["virtual_node", "reporter"])
}

let read = 0

/** Provokes one cause and compares all that moved. */
async function provoked(cause: Cause): Promise<Told> {
  read += (await cause.before?.(lab.caller)) ?? 0
  await committed(lab.agent, read)
  const before = { ours: numbers(), stats: await lab.caller.stats() }
  await cause.provoke(lab.caller)
  read += 1
  await committed(lab.agent, read)
  const seen = seenIn((await lab.lines())[read - 1] ?? "{}")
  expect.soft(seen, cause.cause).toEqual(cause.seen)
  expect.soft(difference(before.ours, numbers()), cause.cause).toEqual(wanted(cause))
  const stats = counted(before.stats, await lab.caller.stats())
  read += (await cause.after?.(lab.caller)) ?? 0
  return { cause: cause.cause, tcp: isTcp(cause), seen, counted: stats, ours: row(cause) }
}

const FAILURE_NAMES = [...REQUEST_NAMES.filter((name) => name !== "code_class"), "flag", "answered_by"]
const TCP_NAMES = ["virtual_service", "source", "virtual_node", "outcome"]
/** Classes of the codes that the causes give. */
const CLASSES: ReadonlyMap<number, string> = new Map([
  [0, "none"],
  [200, "2xx"],
  [301, "3xx"],
  [400, "4xx"],
  [403, "4xx"],
  [404, "4xx"],
  [408, "4xx"],
  [413, "4xx"],
  [426, "4xx"],
  [429, "4xx"],
  [431, "4xx"],
  [500, "5xx"],
  [502, "5xx"],
  [503, "5xx"],
  [504, "5xx"],
])
const METRICS = { requests: REQUEST_NAMES, failures: FAILURE_NAMES, tcpClosed: TCP_NAMES } as const

/** All that the agent exposes of requests and connections, as `metric labels`. */
function numbers(): Counts {
  const { snapshot } = lab.agent.pipeline.ledger
  const all: Counts = {}
  for (const metric of ["requests", "failures", "tcpClosed"] as const) {
    for (const [labels, value] of Object.entries(exposed(snapshot, metric, METRICS[metric])))
      all[`${metric} ${labels}`] = value
  }
  return all
}

function difference(before: Counts, after: Counts): Counts {
  const moved = Object.entries(after).map(([key, value]) => [key, value - (before[key] ?? 0)] as const)
  return Object.fromEntries(moved.filter(([, rise]) => rise !== 0))
}

function seenIn(line: string): Seen {
  const { response_code, response_flags, response_code_details } = JSON.parse(line)
  return { code: response_code, flags: response_flags, details: response_code_details ?? "-" }
}

function wanted(cause: Cause): Counts {
  if (isTcp(cause)) {
    const { service, node, outcome } = cause.oursTcp
    return {
      [`tcpClosed virtual_service=${service} source=${CALLER} virtual_node=${node} outcome=${outcome}`]: 1,
    }
  }
  const { outcome, flag, answeredBy, protocol } = cause.ours
  const labels = `${rowText(cause.ours)} protocol=${protocol}`
  const failure =
    outcome === "ok"
      ? {}
      : { [`failures ${labels} outcome=${outcome} flag=${flag} answered_by=${answeredBy}`]: 1 }
  return {
    [`requests ${labels} code_class=${CLASSES.get(cause.seen.code)} outcome=${outcome}`]: 1,
    ...failure,
  }
}

function rowText({ reporter, service, router, route, node }: Ours): string {
  const source = reporter === "source" ? CALLER : ""
  const labels = {
    reporter,
    virtual_service: service,
    virtual_router: router,
    route,
    source,
    virtual_node: node,
  }
  return Object.entries(labels)
    .flatMap(([name, value]) => (value === "" ? [] : [`${name}=${value}`]))
    .join(" ")
}

function row(cause: Cause): Told["ours"] {
  if (isTcp(cause))
    return {
      route: `${cause.oursTcp.service} → ${cause.oursTcp.node}`,
      outcome: cause.oursTcp.outcome,
      flag: "",
      answeredBy: "",
    }
  const { route, outcome, flag, answeredBy }: HttpCause["ours"] = cause.ours
  return { route, outcome, flag, answeredBy }
}

async function pageIs(page: string): Promise<void> {
  const before = await readFile(PAGE, "utf8").catch(() => "")
  if (before !== page) await writeFile(PAGE, page)
  expect(before, "docs/honesty.md was written anew: look at what changed, and commit it").toBe(page)
}
