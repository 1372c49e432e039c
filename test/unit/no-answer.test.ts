import { expect, test } from "vitest"
import { MeshscopeError } from "#mesh/errors.ts"
import { noAnswer } from "../../agent/publish/http/no-answer.ts"

const failing = (code: string, message: string): Error => Object.assign(new Error(message), { code })

test.each([
  ["ECONNREFUSED", "Nobody listens at the receiver's address: start the receiver"],
  ["ENOTFOUND", "The name of the receiver's host is not found: check the address"],
  ["ECONNRESET", "The receiver closed the connection"],
  ["ENETUNREACH", "No way leads to the receiver: check routes"],
  ["DEPTH_ZERO_SELF_SIGNED_CERT", "certificate is not trusted: name its authority in `tls.ca`"],
  ["EPROTO", "check http or https in the address"],
])("%s is said with what to do, and with the system's words", (code, words) => {
  const why = noAnswer(failing(code, "particulars"))
  expect(why).toContain(words)
  expect(why).toMatch(/ \(particulars\)$/)
})

test("our own sentences stand as they are, without a code", () => {
  expect(noAnswer(new MeshscopeError("FILE_UNREADABLE", "The file /t cannot be read."))).toBe(
    "The file /t cannot be read.",
  )
})

test("what nobody knows keeps its code and words, on one line", () => {
  expect(noAnswer(failing("EODD", "so\nand so"))).toBe("EODD: so and so")
  expect(noAnswer(new Error("odd"))).toBe("odd")
  expect(noAnswer("odd")).toBe("odd")
})
