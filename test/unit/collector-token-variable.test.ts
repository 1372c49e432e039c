import { expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import { openAdmission } from "../../collector/access/open-admission.ts"

const opened = (env: Readonly<Record<string, string>>) =>
  openAdmission(
    { tokenEnv: "TOKEN" },
    { clock: systemClock, log: { info() {}, warn() {}, error() {} }, env, reviewed: () => undefined },
  )

test("a token may come in a variable, where tasks have no files of their own", async () => {
  const admission = await opened({ TOKEN: "s3cret\n" })
  expect(await admission.check("Bearer s3cret")).toEqual({ kind: "admitted" })
  expect(await admission.check("Bearer another")).toMatchObject({ kind: "refused" })
  expect(await admission.check(undefined)).toMatchObject({ kind: "refused" })
})

test.each([
  [{}, "CONFIG_ENV_MISSING"],
  [{ TOKEN: " " }, "CONFIG_ENV_MISSING"],
  [{ TOKEN: "two words" }, "CONFIG_INVALID"],
])("%o does not start, with %s", async (env: Record<string, string>, code) => {
  await expect(opened(env)).rejects.toMatchObject({ code })
})
