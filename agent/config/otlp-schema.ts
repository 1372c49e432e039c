import * as z from "zod"
import { byteSize, duration } from "#mesh/quantities.ts"
import { headersSchema } from "./header-schema.ts"

const ENDPOINT = "expects a URL such as http://collector:4318"

const endpoint = z.string({ error: ENDPOINT }).transform((text, context) => {
  const url = URL.parse(text)
  const problem = url === null ? ENDPOINT : endpointProblem(url)
  if (url !== null && problem === undefined) return `${url.origin}${url.pathname.replace(/\/+$/, "")}`
  context.addIssue({ code: "custom", message: problem ?? ENDPOINT })
  return z.NEVER
})

function endpointProblem(url: URL): string | undefined {
  if (url.protocol !== "http:" && url.protocol !== "https:") return ENDPOINT
  // Not "expects …": the value is not repeated, since it holds a password.
  if (url.username !== "" || url.password !== "") return "holds a password; give it as a header from a file"
  return url.search === "" && url.hash === "" ? undefined : `${ENDPOINT}, without query`
}

/** Where metrics are sent by OTLP over HTTP. */
export const otlpSchema = z.strictObject({
  endpoint: endpoint
    .meta({ title: "URL" })
    .describe("Base address of the receiver; `/v1/metrics` is added to it."),
  headers: headersSchema
    .default({})
    .describe(
      "Headers of every request. Secrets as `{file: /path}` or `{env: NAME}`, with `prefix:` for a scheme.",
    ),
  interval: duration({ min: "1s", max: "1h" }).prefault("15s").describe("Time between two sendings."),
  timeout: duration({ min: "100ms", max: "5m" }).prefault("10s").describe("How long one request may take."),
  queueBytes: byteSize({ min: "64KiB", max: "16GiB" })
    .prefault("64MiB")
    .describe(
      "How much may wait in memory while the receiver is away. What is pushed out is sent again with its newest values.",
    ),
})
