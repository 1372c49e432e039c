import { expect, test } from "vitest"
import type * as z from "zod"
import { cloudwatchOtlpSchema } from "../../agent/config/cloudwatch-otlp-schema.ts"
import { remoteWriteSchema } from "../../agent/config/remote-write-schema.ts"
import { splunkSchema } from "../../agent/config/splunk-schema.ts"
import { readTls } from "../../agent/config/tls.ts"

const URL = "http://prometheus:9090/api/v1/write"
const TOKEN = { file: "/run/secrets/hec" }
const ENDPOINT = "https://splunk:8088"

/** Problems as `path: message`. */
function problems(schema: z.ZodType, value: unknown): string[] {
  const { error } = schema.safeParse(value)
  return (error?.issues ?? []).map((issue) => {
    const message = issue.code === "invalid_key" ? issue.issues[0]?.message : issue.message
    return `${issue.path.join(".")}: ${message}`
  })
}

test("what an operator has to write is little", () => {
  expect(cloudwatchOtlpSchema.parse({})).toEqual({ interval: 60_000, fullEvery: 240_000, timeout: 30_000 })
  expect(remoteWriteSchema.parse({ url: URL })).toEqual({
    url: URL,
    sigv4: "auto",
    headers: {},
    tls: {},
    labels: {},
    interval: 30_000,
    timeout: 30_000,
    maxSamplesPerSend: 2000,
  })
  expect(splunkSchema.parse({ endpoint: `${ENDPOINT}/`, token: TOKEN })).toEqual({
    endpoint: ENDPOINT,
    token: { ...TOKEN, prefix: "" },
    host: "",
    source: "meshscope",
    tls: {},
    timeout: 30_000,
    maxRequestBytes: 1_000_000,
    ackTimeout: 120_000,
    lines: { sourcetype: "meshscope:access", index: "", healthChecks: "drop", sample2xx: 1, query: "drop" },
    events: { sourcetype: "meshscope:event", index: "" },
  })
  expect(
    splunkSchema.parse({
      endpoint: ENDPOINT,
      token: TOKEN,
      lines: false,
      metrics: { index: "mesh_metrics" },
    }),
  ).toMatchObject({
    lines: false,
    metrics: { index: "mesh_metrics", sourcetype: "meshscope:metrics", interval: 60_000, fullEvery: 300_000 },
  })
})

test("the query of an address is kept, since VictoriaMetrics reads it", () => {
  expect(remoteWriteSchema.parse({ url: `${URL}?extra_label=dc%3Deu` }).url).toBe(
    `${URL}?extra_label=dc%3Deu`,
  )
})

test.each<[z.ZodType, unknown, string]>([
  [remoteWriteSchema, {}, "url: expects a URL such as http://prometheus:9090/api/v1/write"],
  [
    remoteWriteSchema,
    { url: "prometheus:9090" },
    "url: expects a URL such as http://prometheus:9090/api/v1/write",
  ],
  [
    remoteWriteSchema,
    { url: "http://a:b@prometheus/" },
    "url: holds a password; give it as a header from a file",
  ],
  [remoteWriteSchema, { url: URL, sigv4: "yes" }, "sigv4: expects auto, true or false"],
  [remoteWriteSchema, { url: URL, labels: { le: "1" } }, "labels.le: is not a label name"],
  [remoteWriteSchema, { url: URL, labels: { __name__: "x" } }, "labels.__name__: is not a label name"],
  [remoteWriteSchema, { url: URL, tls: { cert: "/a.pem" } }, "tls: expects both cert and key"],
  [
    splunkSchema,
    { endpoint: `${ENDPOINT}?a=b`, token: TOKEN },
    "endpoint: expects a URL such as https://splunk:8088, without query",
  ],
  [
    splunkSchema,
    { endpoint: ENDPOINT, token: { file: "/a", env: "B" } },
    "token: expects either file or env",
  ],
  [
    splunkSchema,
    { endpoint: ENDPOINT, token: TOKEN, metrics: { index: "Main!" } },
    "metrics.index: expects the name of an index",
  ],
])("refuses %#", (schema, value, problem) => {
  expect(problems(schema, value)).toEqual([problem])
})

test("a token in the configuration itself is refused", () => {
  expect(problems(splunkSchema, { endpoint: ENDPOINT, token: "B5A79AAD" })).toHaveLength(1)
})

test("certificates are read each time, and a file that is not there is told", async () => {
  let text = "first"
  const read = (path: string) =>
    path === "/gone.pem"
      ? Promise.reject(Object.assign(new Error("no"), { code: "ENOENT" }))
      : Promise.resolve(`${text} ${path}`)
  expect(await readTls({}, read)).toEqual({})
  expect(await readTls({ ca: "/ca.pem", cert: "/c.pem", key: "/k.pem" }, read)).toEqual({
    ca: "first /ca.pem",
    cert: "first /c.pem",
    key: "first /k.pem",
  })
  text = "second"
  expect(await readTls({ ca: "/ca.pem" }, read)).toEqual({ ca: "second /ca.pem" })
  await expect(readTls({ ca: "/gone.pem" }, read)).rejects.toMatchObject({
    code: "FILE_UNREADABLE",
    retryable: true,
  })
})
