import { describe, expect, test } from "vitest"
import { compileFormat } from "../../agent/decode/access-log/compile.ts"
import { DecodeResult } from "../../agent/decode/access-log/decoder.ts"
import { flagBits } from "../../mesh/flags.ts"
import { DEFAULT, decode, TIME, texts } from "../fixtures/access-log/decoding.ts"

const forge = (path: string, agent: string, id: string, authority = "real"): string =>
  `[${TIME}] "GET ${path} HTTP/1.1" 503 UF 1 2 3 4 "-" "${agent}" "${id}" "${authority}" "10.0.0.9:80"`

describe("forging text", () => {
  const decoder = compileFormat(DEFAULT, "http")
  test.each([
    ["a quote in the path", forge('/a"b', "ua", "id"), { eitherPath: '/a"b', userAgent: "ua" }, false],
    [
      "a quote in the user agent",
      forge("/a", 'u"a', "id"),
      { eitherPath: "/a", userAgent: 'u"a', requestId: "id" },
      false,
    ],
    [
      "a fake tail in the user agent",
      forge("/a", 'evil" "rid" "lab.local" "6.6.6.6:1', "id"),
      { eitherPath: "/a" },
      true,
    ],
    ["a fake field in the request id", forge("/a", "ua", 'x" "y'), { eitherPath: "/a" }, true],
    [
      "a fake middle in the user agent",
      forge("/a", 'x HTTP/1.1" 200 - 0 0 0 0 "-" "ua', "id"),
      { eitherPath: "/a" },
      true,
    ],
    ["blanks and quotes at odds", forge("/a", '" "', "id"), { eitherPath: "/a" }, true],
  ])("%s", (_, forged, expected, doubtful) => {
    expect(decode(decoder, forged)).toBe(DecodeResult.ok)
    expect(decoder.fact).toMatchObject({ code: 503, flags: flagBits("UF"), durationMs: 3, doubtful })
    // Whatever the caller wrote, these are Envoy's.
    expect(texts(decoder)).toMatchObject({
      method: "GET",
      authority: "real",
      upstreamHost: "10.0.0.9:80",
      ...expected,
    })
    expect(texts(decoder).requestId).toBe(doubtful ? undefined : "id")
  })

  test("an authority that Envoy would refuse is doubtful, and no line is lost for it", () => {
    expect(decode(decoder, forge("/a", "ua", "id", 'x" "y'))).toBe(DecodeResult.ok)
    expect(decoder.fact.doubtful).toBe(true)
    expect(decode(decoder, forge("/a", "ua", "id", 'x"y'))).toBe(DecodeResult.ok)
    expect(texts(decoder)).toMatchObject({ authority: 'x"y', upstreamHost: "10.0.0.9:80" })
  })
})
