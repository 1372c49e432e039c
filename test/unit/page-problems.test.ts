import { expect, test } from "vitest"
import { type ErrorCode, MeshscopeError } from "#mesh/errors.ts"
import { openLedger } from "../../agent/account/ledger.ts"
import { PageProblems } from "../../agent/page-problems.ts"
import { exposedValues } from "../fixtures/ledger/exposed.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"
import { IDENTITY } from "../fixtures/stats/bench-proxy.ts"

const failed = (code: ErrorCode): MeshscopeError => new MeshscopeError(code, "a sentence")

test("a page that cannot be read is told with its reason and the proxy's name of now, and leaves when it works", () => {
  const ledger = openLedger({ folder: temporaryFolder(), clock: manualClock() })
  const problems = new PageProblems("ui-1", ledger)
  const told = (): string[] => {
    ledger.commit()
    const values = exposedValues(ledger.snapshot)
    expect(Object.values(values).every((value) => value === 1)).toBe(true)
    return Object.keys(values).map((name) => name.replace(/^mesh_proxy_problem/, ""))
  }
  problems.tell(
    undefined,
    new Map([
      ["config_dump", failed("ADMIN_UNREACHABLE")],
      ["stats", failed("ADMIN_TIMEOUT")],
    ]),
  )
  expect(told()).toEqual([
    "{proxy=ui-1,page=config_dump,reason=unreachable}",
    "{proxy=ui-1,page=stats,reason=timeout}",
  ])
  problems.tell(IDENTITY, new Map([["stats", failed("ADMIN_BAD_ANSWER")]]))
  const named = "{mesh=lab,flavor=app-mesh,virtual_node=ui,proxy=ui-1,page=stats,reason=bad_answer}"
  expect(told()).toEqual([named])
  problems.tell(IDENTITY, new Map([["stats", failed("STATE_LOCKED")]]))
  expect(told()).toEqual([named])
  problems.tell(IDENTITY, new Map())
  expect(told()).toEqual([])
  problems.tell(IDENTITY, new Map([["certs", failed("ADMIN_REFUSED")]]))
  problems.end()
  expect(told()).toEqual([])
  ledger.close()
})
