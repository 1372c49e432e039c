import { mkdtempSync, rmSync } from "node:fs"
import { tmpdir } from "node:os"
import { join } from "node:path"
import * as fc from "fast-check"
import { expect, test } from "vitest"
import { makeAccessFact } from "#mesh/access.ts"
import { flagBits, flagsText } from "#mesh/flags.ts"
import { answeredBy, CODE_CLASSES, codeClass, OUTCOMES, outcomeOf } from "#mesh/outcome.ts"
import { PROTOCOLS } from "#mesh/request.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeRequestAccountant } from "../../agent/account/requests.ts"
import { makeTally } from "../../agent/account/tally.ts"
import { exposedValues } from "../fixtures/ledger/exposed.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { type Line, resolutionOf, setFact } from "../fixtures/ledger/requests.ts"

const event = fc.record({
  reporter: fc.constantFrom("gateway", "source", "destination"),
  route: fc.constantFrom("a", "b", ""),
  target: fc.constantFrom("n1", "n2", "(unknown)"),
  protocol: fc.constantFrom(0, 1, 2),
  code: fc.constantFrom(-1, 0, 100, 200, 204, 301, 404, 499, 500, 503, 599, 600, 999),
  flags: fc.constantFrom("-", "UF", "URX,UF", "NR", "DC", "RL", "DI", "ZZ"),
  grpcStatus: fc.constantFrom(-1, -1, 0, 5, 14),
  durationMs: fc.constantFrom(-1, 0, 1, 5, 6, 250, 999, 1000, 1001, 400_000),
  sent: fc.constantFrom(-1, 0, 12),
  details: fc.constantFrom("", "via_upstream", "route_not_found"),
})
type Event = typeof event extends fc.Arbitrary<infer T> ? T : never

/** What the two request counters should say of one event, by the shared rules and plain texts. */
function expected(one: Event): string[] {
  const bits = flagBits(one.flags)
  const outcome = OUTCOMES[outcomeOf(one.code, one.grpcStatus, bits, one.reporter === "gateway")]
  const who = answeredBy(one.details === "" ? undefined : one.details, bits, one.code)
  const route = one.route === "" ? "" : `,route=${one.route}`
  const key = `mesh=yelb,flavor=app-mesh,reporter=${one.reporter}${route},virtual_node=${one.target},protocol=${PROTOCOLS[one.protocol]}`
  const requests = `mesh_requests_total{${key},code_class=${CODE_CLASSES[codeClass(one.code)]},outcome=${outcome},provenance=log}`
  const failures = `mesh_request_failures_total{${key},outcome=${outcome},provenance=log,flag=${flagsText(bits)},answered_by=${who}}`
  return outcome === "ok" ? [requests] : [requests, failures]
}

test("the records' counts are what counting each line by its labels gives", () => {
  fc.assert(
    fc.property(fc.array(fc.tuple(event, fc.boolean()), { maxLength: 200 }), (events) => {
      const folder = mkdtempSync(join(tmpdir(), "meshscope-property-"))
      const ledger = openLedger({ folder, clock: manualClock() })
      try {
        const accountant = makeRequestAccountant({ ledger })
        const fact = makeAccessFact()
        const tally = makeTally()
        const model = new Map<string, number>()
        let seconds = 0
        for (const [one, commit] of events) {
          const { reporter, route, target, protocol } = one
          const line: Line = one
          accountant.account(
            setFact(fact, line),
            resolutionOf({ reporter, route }, target, { protocol }),
            tally,
          )
          for (const name of expected(one)) model.set(name, (model.get(name) ?? 0) + 1)
          seconds += Math.max(0, one.durationMs) / 1000
          if (commit) ledger.commit()
        }
        ledger.commit()
        const shown = Object.entries(exposedValues(ledger.snapshot))
        const counts = shown.filter(([name]) => /^mesh_request(s|_failures)_total/.test(name))
        expect(new Map(counts)).toEqual(model)
        const durations = shown.filter(([name]) => name.startsWith("mesh_request_duration"))
        expect(durations.reduce((sum, [, value]) => sum + value, 0)).toBeCloseTo(seconds, 6)
        expect(tally.gateway + tally.source + tally.destination).toBe(events.length)
      } finally {
        ledger.close()
        rmSync(folder, { recursive: true })
      }
    }),
    { numRuns: 60 },
  )
})
