import { readFileSync } from "node:fs"
import { expect, test } from "vitest"
import { LineFramer } from "../../agent/decode/access-log/framing.ts"
import { type FileLogger, LineReader, LineResult } from "../../agent/decode/access-log/line-reader.ts"
import { type AccessFact, FIELD_COUNT, Field, type FieldName, fieldText } from "../../mesh/access.ts"
import { flagsText } from "../../mesh/flags.ts"
import { RECOMMENDED_JSON } from "../../mesh/recommended-format.ts"

const folder = new URL("../fixtures/access-log/", import.meta.url)

/** The format that we recommend, in the order in which users write it. */
const RECOMMENDED: FileLogger = {
  kind: "http",
  format: {
    kind: "json",
    fields: RECOMMENDED_JSON,
  },
}

const RESULTS = Object.fromEntries(Object.entries(LineResult).map(([name, value]) => [value, name]))
const FIELDS = Object.entries(Field) as [FieldName, number][]

/** One line of the golden file per line of the log. */
function show(reader: LineReader, result: number): string {
  if (result > LineResult.intermediate) return RESULTS[result] ?? "?"
  const { fact } = reader
  const { kind, code, grpcStatus, durationMs, upstreamMs, bytesReceived, bytesSent, attempts, doubtful } =
    fact
  const numbers = { code, grpcStatus, durationMs, upstreamMs, bytesReceived, bytesSent, attempts }
  return JSON.stringify({ kind, doubtful, flags: flagsText(fact.flags), ...numbers, ...texts(reader, fact) })
}

function texts(reader: LineReader, fact: AccessFact): Record<string, string> {
  const headers = reader.decoder.abilities.headers.map((name, index) => [name, FIELD_COUNT + index] as const)
  return Object.fromEntries(
    [...FIELDS, ...headers].flatMap(([name, field]) => {
      const text = fieldText(fact, field)
      return text === undefined ? [] : [[name === "flags" ? "flagsAsWritten" : name, text]]
    }),
  )
}

test.each([
  ["app-mesh-text", [{ format: { kind: "default" }, kind: "http" }]],
  ["recommended-json", [RECOMMENDED]],
] as [string, FileLogger[]][])("%s", async (name, loggers) => {
  const file = readFileSync(new URL(`${name}.log`, folder))
  const reader = new LineReader(loggers)
  const framer = new LineFramer()
  const shown: string[] = []
  framer.frame(file, 0, file.length, (bytes, start, end) => {
    shown.push(show(reader, reader.read(bytes, start, end)))
  })
  await expect(`${shown.join("\n")}\n`).toMatchFileSnapshot(new URL(`${name}.golden`, folder).pathname)
})
