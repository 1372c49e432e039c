import { makeAccessFact } from "#mesh/access.ts"
import type { AccessLogFormat } from "#mesh/proxy.ts"
import { type AccessLogDecoder, DecodeResult } from "./decoder.ts"
import { DEFAULT_TEXT } from "./default-format.ts"
import { jsonDecoder } from "./json-decoder.ts"
import { textDecoder } from "./text-decoder.ts"
import { textTemplate } from "./text-template.ts"

/**
 * Makes the decoder of one access-log format. Compile once per format and proxy kind, not per line.
 * A format that cannot be decoded gives a decoder that says why and knows no line.
 * @param kind of the filter that logs: decides for lines that do not tell themselves
 */
export function compileFormat(format: AccessLogFormat, kind: "http" | "tcp"): AccessLogDecoder {
  switch (format.kind) {
    case "default":
      return compileText(DEFAULT_TEXT, kind)
    case "text":
      return compileText(format.text, kind)
    case "json":
      return jsonDecoder(format.fields, kind)
    case "als":
      return unsupported("its entries are no lines")
    case "unsupported":
      return unsupported(format.why)
  }
}

function compileText(text: string, kind: "http" | "tcp"): AccessLogDecoder {
  const template = textTemplate(text, kind)
  return typeof template === "string"
    ? unsupported(template)
    : textDecoder(template, text === DEFAULT_TEXT || `${text}\n` === DEFAULT_TEXT)
}

function unsupported(why: string): AccessLogDecoder {
  return {
    abilities: {
      fields: [],
      headers: [],
      grpcStatus: false,
      attempts: false,
      durations: false,
      forgeable: false,
    },
    fact: makeAccessFact(),
    unsupported: why,
    unknownOperators: [],
    tellsKind: false,
    decode: () => DecodeResult.notAccessLine,
  }
}
