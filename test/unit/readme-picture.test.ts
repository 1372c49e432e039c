import { readFileSync } from "node:fs"
import { expect, test } from "vitest"

const root = new URL("../../", import.meta.url)
const PNG = [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]

test("the README's picture is there, says what it shows, and is small enough to load at a first look", () => {
  const readme = readFileSync(new URL("README.md", root), "utf8")
  const [, words = "", path = ""] = /!\[([^\]]+)\]\((docs\/[\w-]+\.png)\)/u.exec(readme) ?? []
  expect(words.length).toBeGreaterThan(40)
  const bytes = readFileSync(new URL(path, root))
  expect([...bytes.subarray(0, PNG.length)]).toEqual(PNG)
  expect(bytes.length).toBeLessThanOrEqual(200 * 1024)
})
