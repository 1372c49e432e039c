import { rmSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import type { Clock } from "#mesh/clock.ts"
import { admission as admissionBy, type Verdict } from "../../collector/access/admission.ts"
import { openAdmission } from "../../collector/access/open-admission.ts"
import { podIdentitySchema } from "../../collector/access/schema.ts"
import { podToken, startTokenReviews } from "../fake/kubernetes/token-reviews.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"

const SUB = "system:serviceaccount:meshscope:agent"
const HOUR = 3600
const quiet = (): void => undefined

/** A clock that stands until it is turned. */
function turnedClock(): Clock & { pass(ms: number): void } {
  let at = Date.now()
  return {
    now: () => at,
    monotonic: () => at,
    sleep: () => Promise.resolve(),
    pass(ms) {
      at += ms
    },
  }
}

async function pods() {
  const kube = await startTokenReviews()
  onTestFinished(() => kube.stop())
  const clock = turnedClock()
  const warnings: string[] = []
  const reviews: string[] = []
  const kubernetes = podIdentitySchema.parse({
    serviceAccounts: ["meshscope/agent"],
    api: { server: kube.url },
  })
  const admission = await openAdmission(
    { kubernetes },
    {
      clock,
      env: {},
      log: { info: quiet, error: quiet, warn: (sentence) => warnings.push(sentence) },
      reviewed: (result) => reviews.push(result),
    },
  )
  const token = (claims: object = {}): string =>
    podToken({ aud: ["meshscope"], sub: SUB, exp: Math.floor(clock.now() / 1000) + HOUR, ...claims })
  const good = token()
  kube.known.set(good, { username: SUB, audiences: ["meshscope"] })
  const check = async (shown: string): Promise<Verdict> => admission.check(`Bearer ${shown}`)
  return { kube, clock, warnings, reviews, admission, token, good, check }
}

test("a pod's token is looked at once, and the answer holds for a bounded time", async () => {
  const { kube, clock, good, check, reviews } = await pods()
  const all = await Promise.all(Array.from({ length: 20 }, () => check(good)))
  expect(new Set(all.map(({ kind }) => kind))).toEqual(new Set(["admitted"]))
  expect(kube.asked).toBe(1)
  clock.pass(299_000)
  expect(await check(good)).toEqual({ kind: "admitted" })
  expect(kube.asked).toBe(1)
  clock.pass(2000)
  kube.known.clear()
  expect(await check(good)).toMatchObject({ kind: "refused" })
  expect(reviews).toEqual(["good", "bad"])
})

test.each([
  [
    "for another audience",
    { aud: ["https://kubernetes.default.svc"] },
    "not made for the audience meshscope",
  ],
  ["of another account", { sub: "system:serviceaccount:meshscope:other" }, "serviceAccounts"],
  ["of a user", { sub: "agent" }, "serviceAccounts"],
  ["that has expired", { exp: 1 }, "has expired"],
])("a token %s is refused without asking", async (_, claims, sentence) => {
  const { kube, check, token } = await pods()
  expect(await check(token(claims))).toMatchObject({
    kind: "refused",
    message: expect.stringContaining(sentence),
  })
  expect(kube.asked).toBe(0)
})

test("what a token says of itself proves nothing", async () => {
  const { kube, check, token } = await pods()
  const forged = token({ jti: "forged" })
  expect(await check(forged)).toMatchObject({ kind: "refused" })
  const stolen = token({ jti: "stolen" })
  kube.known.set(stolen, { username: "system:serviceaccount:elsewhere:agent", audiences: ["meshscope"] })
  expect(await check(stolen)).toMatchObject({
    kind: "refused",
    message: expect.stringContaining("serviceAccounts"),
  })
  const others = token({ jti: "others" })
  kube.known.set(others, { username: SUB, audiences: ["vault"] })
  expect(await check(others)).toMatchObject({ kind: "refused", message: expect.stringContaining("audience") })
})

test.each([
  ["no header's text", ""],
  ["no token", "Bearer"],
  ["another scheme", "Basic eDp5"],
  ["two tokens", "Bearer a b"],
  ["a token that is too long", `Bearer ${"x".repeat(20_000)}`],
  ["a token of another kind", "Bearer a.b.c"],
  ["a control character", "Bearer \u0000"],
])("%s is refused", async (_, header) => {
  const { kube, admission } = await pods()
  expect(await admission.check(header)).toMatchObject({ kind: "refused" })
  expect(await admission.check(undefined)).toMatchObject({ kind: "refused" })
  expect(kube.asked).toBe(0)
})

test("while the API server does not answer nobody new is admitted, and that is said once", async () => {
  const { kube, check, good, token, warnings, clock } = await pods()
  await check(good)
  kube.trouble = 403
  expect(await check(good)).toEqual({ kind: "admitted" })
  const one = token({ jti: "1" })
  expect(await check(one)).toMatchObject({ kind: "unsure" })
  expect(await check(token({ jti: "2" }))).toMatchObject({ kind: "unsure" })
  expect(warnings).toHaveLength(1)
  expect(warnings[0]).toContain("create")
  expect(warnings[0]).toContain("tokenreviews.authentication.k8s.io")
  clock.pass(301_000)
  expect(await check(good)).toMatchObject({ kind: "unsure" })
  // What failed is not remembered.
  kube.trouble = undefined
  kube.known.set(one, { username: SUB, audiences: ["meshscope"] })
  expect(await check(one)).toEqual({ kind: "admitted" })
})

test("many tokens at one time do not ask the API server all at once", async () => {
  const { kube, check, token, reviews } = await pods()
  kube.trouble = "hang"
  const checks = Array.from({ length: 30 }, (_, at) => check(token({ jti: `t${at}` })))
  await expect.poll(() => kube.asked).toBe(16)
  expect(reviews.filter((result) => result === "busy")).toHaveLength(14)
  await kube.stop()
  expect(new Set((await Promise.all(checks)).map(({ kind }) => kind))).toEqual(new Set(["unsure"]))
})

test("a token in a file may be replaced; while the file is away the last one stays good", async () => {
  const file = join(temporaryFolder(), "token")
  writeFileSync(file, "first\n")
  const clock = turnedClock()
  const warnings: string[] = []
  const log = { info: quiet, error: quiet, warn: (sentence: string) => void warnings.push(sentence) }
  const admission = await openAdmission({ tokenFile: file }, { clock, env: {}, log, reviewed: quiet })
  const kinds = async (): Promise<string[]> =>
    Promise.all(["first", "second"].map(async (one) => (await admission.check(`Bearer ${one}`)).kind))
  expect(await kinds()).toEqual(["admitted", "refused"])
  writeFileSync(file, "second\n")
  clock.pass(1500)
  expect(await kinds()).toEqual(["refused", "admitted"])
  rmSync(file)
  clock.pass(1500)
  expect(await kinds()).toEqual(["refused", "admitted"])
  clock.pass(1500)
  await kinds()
  expect(warnings).toHaveLength(1)
  writeFileSync(file, "two lines\nhere")
  clock.pass(1500)
  await kinds()
  expect(warnings.at(-1)).toContain("holds a space")
})

test("without a proof to ask for, everybody is admitted", async () => {
  const log = { info: quiet, error: quiet, warn: quiet }
  const admission = await openAdmission({}, { clock: turnedClock(), env: {}, log, reviewed: quiet })
  expect(await admission.check(undefined)).toEqual({ kind: "admitted" })
})

test("while one proof cannot be looked at, what another refuses is not refused", async () => {
  const unsure = { check: () => Promise.resolve<Verdict>({ kind: "unsure", message: "later" }) }
  const refused = { check: () => Promise.resolve<Verdict>({ kind: "refused", message: "no" }) }
  for (const proofs of [
    [unsure, refused],
    [refused, unsure],
  ])
    expect(await admissionBy(proofs).check("Bearer t")).toEqual({ kind: "unsure", message: "later" })
})

test("a token that is longer than any is shown to no proof", async () => {
  const shown: number[] = []
  const counting = {
    check: (token: string) => {
      shown.push(token.length)
      return Promise.resolve<Verdict>({ kind: "admitted" })
    },
  }
  const one = admissionBy([counting])
  expect(await one.check(`Bearer ${"t".repeat(16_385)}`)).toMatchObject({ kind: "refused" })
  expect(await one.check(`Bearer ${"t".repeat(16_384)}`)).toEqual({ kind: "admitted" })
  expect(shown).toEqual([16_384])
})
