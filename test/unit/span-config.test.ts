import { expect, test } from "vitest"
import { otlpTracesSchema } from "../../agent/config/otlp-traces-schema.ts"
import { receiveOtlpSchema, receiveZipkinSchema } from "../../agent/config/receive-http-schema.ts"
import { zipkinSchema } from "../../agent/config/zipkin-schema.ts"

const MIB = 1024 ** 2
const LIMITS = {
  maxBodyBytes: 4 * MIB,
  maxInflatedBytes: 16 * MIB,
  maxConnections: 256,
  timeout: 30_000,
}

test("intakes need nothing said, and listen to this host alone", () => {
  expect(receiveZipkinSchema.parse({})).toEqual({ listen: { host: "127.0.0.1", port: 9411 }, ...LIMITS })
  expect(receiveOtlpSchema.parse({})).toEqual({
    listen: { host: "127.0.0.1", port: 4319 },
    grpc: { host: "127.0.0.1", port: 4317 },
    ...LIMITS,
  })
})

test("an output needs its address, and CloudWatch none", () => {
  const rest = { headers: {}, tls: {}, timeout: 10_000 }
  expect(zipkinSchema.parse({ endpoint: "http://zipkin:9411/" })).toEqual({
    endpoint: "http://zipkin:9411",
    ...rest,
  })
  expect(otlpTracesSchema.parse({ cloudwatch: true })).toEqual({ cloudwatch: true, ...rest })
  expect(otlpTracesSchema.parse({ endpoint: "https://tempo/a/" })).toEqual({
    endpoint: "https://tempo/a",
    cloudwatch: false,
    ...rest,
  })
})

const EITHER = ": needs either endpoint or cloudwatch: true"
const rows: readonly [keyof typeof SCHEMAS, unknown, string][] = [
  ["receive.zipkin", { listen: "9411" }, "listen: expects host:port, such as 127.0.0.1:9464 or [::]:9464"],
  ["receive.zipkin", { maxBodyBytes: "1KiB" }, "maxBodyBytes: expects at least 64KiB"],
  ["receive.zipkin", { maxConnections: 0 }, "maxConnections: expects a whole number from 1 to 10000"],
  ["receive.otlp", { timeout: "0s" }, "timeout: expects at least 1s"],
  ["receive.otlp", { cors: "*" }, ': Unrecognized key: "cors"'],
  ["publish.zipkin", { endpoint: "zipkin" }, "endpoint: expects a URL such as http://zipkin:9411"],
  ["publish.otlpTraces", {}, EITHER],
  ["publish.otlpTraces", { endpoint: "http://tempo:4318", cloudwatch: true }, EITHER],
  [
    "publish.otlpTraces",
    { endpoint: "http://u:p@tempo:4318" },
    "endpoint: holds a password; give it as a header from a file",
  ],
  [
    "publish.otlpTraces",
    { endpoint: "http://tempo:4318", headers: { "lightstep-access-token": "abc" } },
    "headers.lightstep-access-token: carries a secret, which does not belong into a configuration; write {file: /path} or {env: NAME}, with prefix: for a scheme",
  ],
]
const SCHEMAS = {
  "receive.zipkin": receiveZipkinSchema,
  "receive.otlp": receiveOtlpSchema,
  "publish.zipkin": zipkinSchema,
  "publish.otlpTraces": otlpTracesSchema,
}

test.each(rows)("%s %j is refused by name", (name, input, message) => {
  const { error } = SCHEMAS[name].safeParse(input)
  expect(error?.issues.map((issue) => `${issue.path.join(".")}: ${issue.message}`)).toEqual([message])
})
