import * as fc from "fast-check"
import { expect, test } from "vitest"
import { scrubbedText } from "../../mesh/scrubbed-text.ts"

const secret = fc.stringMatching(/^[A-Za-z0-9+/_.-]{6,60}$/)

test("no value of a variable with a secret's name is left, wherever it stands", () => {
  fc.assert(
    fc.property(
      secret,
      fc.string(),
      fc.string(),
      fc.constantFrom("SPLUNK_TOKEN", "AWS_SECRET_ACCESS_KEY", "DB_PASSWORD", "api_key"),
      (value, before, after, name) => {
        expect(scrubbedText(`${before}${value}${after}`, { [name]: value })).not.toContain(value)
      },
    ),
  )
})

test.each([
  ["authorization: Bearer abc.def-123456", "authorization: Bearer (left out)"],
  ["Splunk 11111111-2222-3333-4444-555555555555", "Splunk (left out)"],
  ["key AKIAIOSFODNN7EXAMPLE here", "key (left out) here"],
  ["https://me:secret1@host/x", "https://(left out)@host/x"],
  ["-----BEGIN RSA PRIVATE KEY-----\nabc\n-----END RSA PRIVATE KEY-----\nrest", "(left out)\nrest"],
  ["eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJrOHMifQ.c2lnbmF0dXJl", "(left out)"],
  ["mesh/yelb/virtualNode/ui at 10.0.0.1:9901", "mesh/yelb/virtualNode/ui at 10.0.0.1:9901"],
])("%s", (text, left) => {
  expect(scrubbedText(text, {})).toBe(left)
})

test("short values and other variables stay", () => {
  expect(scrubbedText("abc and production", { TOKEN: "abc", STAGE: "production" })).toBe("abc and production")
})
