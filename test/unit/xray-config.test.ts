import { describe, expect, test } from "vitest"
import { receiveXraySchema } from "../../agent/config/receive-xray-schema.ts"
import { xraySchema } from "../../agent/config/xray-schema.ts"

const issues = (schema: typeof receiveXraySchema | typeof xraySchema, input: unknown): string[] =>
  schema.safeParse(input).error?.issues.map(({ path, message }) => `${path.join(".")}: ${message}`) ?? []

test("nothing has to be said", () => {
  expect(receiveXraySchema.parse({})).toEqual({
    udp: { host: "127.0.0.1", port: 2000 },
    tcp: { host: "127.0.0.1", port: 2000 },
    paths: [],
    receiveBuffer: 8 * 1024 ** 2,
    share: 0.5,
  })
  expect(xraySchema.parse({})).toEqual({ timeout: 10_000, annotations: [], telemetry: true })
})

describe("what is not allowed is said by name", () => {
  const receive: readonly [unknown, string][] = [
    [{ udp: "2000" }, "udp: expects host:port, such as 127.0.0.1:9464 or [::]:9464"],
    [{ paths: ["Traces"] }, "paths.0: expects a path such as /TraceSummaries"],
    [{ paths: ["/x?y"] }, "paths.0: expects a path such as /TraceSummaries"],
    [{ share: 0 }, "share: expects a number from 0.05 to 1"],
    [{ share: "half" }, "share: expects a number from 0.05 to 1"],
    [{ receiveBuffer: "1B" }, "receiveBuffer: expects at least 64KiB"],
  ]
  test.each(receive)("receive %j", (input, message) => {
    expect(issues(receiveXraySchema, input)).toEqual([message])
  })

  const publish: readonly [unknown, string][] = [
    [{ timeout: "1ms" }, "timeout: expects at least 100ms"],
    [
      { resourceArn: "cluster" },
      "resourceArn: expects an ARN such as arn:aws:ecs:eu-west-1:123456789012:cluster/mesh",
    ],
  ]
  test.each(publish)("publish %j", (input, message) => {
    expect(issues(xraySchema, input)).toEqual([message])
  })

  test("a key that is not known", () => {
    expect(issues(xraySchema, { region: "eu-west-1" })).toEqual([': Unrecognized key: "region"'])
  })
})
