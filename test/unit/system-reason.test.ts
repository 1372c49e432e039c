import { readFileSync } from "node:fs"
import { resolve } from "node:path"
import { describe, expect, test } from "vitest"
import { MeshscopeError } from "#mesh/errors.ts"
import { connectReason, fileReason, fileUnreadable, listenFailed, stateFailed } from "#mesh/system-reason.ts"

/** An error as Node throws it. */
const failing = (code: string): Error => Object.assign(new Error(`${code}: its own words`), { code })

describe("a file that cannot be used", () => {
  test.each([
    ["ENOENT", "it does not exist"],
    ["EACCES", "this user has no permission"],
    ["EISDIR", "it is a folder, not a file"],
    ["ENOTDIR", "a part of its path is a file, not a folder"],
    ["ENOSPC", "its disk is full"],
    ["EODD", "EODD: its own words"],
  ])("%s", (code, words) => {
    expect(fileReason(failing(code))).toBe(words)
  })

  test("is named in full, with the words of the real thing", () => {
    let cause: unknown
    try {
      readFileSync("no/such.yaml")
    } catch (error) {
      cause = error
    }
    expect(fileUnreadable("The configuration", "no/such.yaml", cause)).toMatchObject({
      code: "FILE_UNREADABLE",
      retryable: false,
      message: `The configuration ${resolve("no/such.yaml")} cannot be read: it does not exist.`,
    })
  })
})

test.each([
  [
    "EADDRINUSE",
    "another program listens there. End that program, or set publish.prometheus.listen to another address.",
  ],
  [
    "EACCES",
    "this user has no permission; ports below 1024 are for root. Set publish.prometheus.listen to another address.",
  ],
  ["EADDRNOTAVAIL", "this host has no such address. Set publish.prometheus.listen to another address."],
])("an address that nobody can listen on: %s", (code, words) => {
  const error = listenFailed("publish.prometheus.listen", { host: "::1", port: 80 }, failing(code))
  expect(error).toMatchObject({ code: "LISTEN_FAILED", message: `Cannot listen on [::1]:80: ${words}` })
})

test("an address that does not answer: also what fetch and several addresses wrap", () => {
  const refused = failing("ECONNREFUSED")
  expect(connectReason(refused)).toBe("nobody listens there")
  expect(connectReason(new TypeError("fetch failed", { cause: refused }))).toBe("nobody listens there")
  expect(connectReason(new AggregateError([refused, refused]))).toBe("nobody listens there")
  expect(connectReason(new Error("odd"))).toBe("odd")
  expect(connectReason("odd")).toBe("odd")
})

test("an error of a state folder names the setting; others stay as they are", () => {
  const locked = new MeshscopeError("STATE_LOCKED", "Another agent uses /x.")
  expect(stateFailed("agent.state", locked)).toMatchObject({
    code: "STATE_LOCKED",
    message: "Another agent uses /x. The setting agent.state names the folder.",
  })
  const other = new Error("a bug")
  expect(stateFailed("agent.state", other)).toBe(other)
})
