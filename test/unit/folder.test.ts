import { statSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { makeFolder } from "../../mesh/folder.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"

test("folders above are made too, and what exists is left", () => {
  const root = temporaryFolder()
  const folder = join(root, "a/b/c")
  makeFolder(folder, 0o700)
  makeFolder(folder)
  expect(statSync(folder).mode & 0o777).toBe(0o700)
  expect(statSync(join(root, "a")).mode & 0o777).toBe(0o700)
})

test("what cannot be is an error, at once", () => {
  const file = join(temporaryFolder(), "file")
  writeFileSync(file, "")
  expect(() => makeFolder(file)).toThrow("EEXIST")
  expect(() => makeFolder(join(file, "below"))).toThrow("ENOTDIR")
  expect(() => makeFolder("/proc/nope")).toThrow("ENOENT")
})
