import { once } from "node:events"
import { request as httpRequest } from "node:http"
import { connect } from "node:net"
import { GetSamplingRulesCommand, GetTraceSummariesCommand, XRayClient } from "@aws-sdk/client-xray"
import { afterEach, beforeEach, describe, expect, test } from "vitest"
import { startXrayProxy, type XrayProxy, type XrayProxyDeps } from "../../agent/collect/receive/xray-proxy.ts"
import { makeXrayUpstream } from "../../agent/publish/xray/upstream.ts"
import { type FakeAws, startFakeAws } from "../fake/aws/fake-aws.ts"

let fake: FakeAws
const ends: (() => Promise<void>)[] = []
beforeEach(async () => {
  fake = await startFakeAws()
  ends.push(() => fake.stop())
})
afterEach(async () => {
  for (const end of ends.splice(0).toReversed()) await end()
})

type Send = XrayProxyDeps["send"]

async function proxy(send: Send, paths: readonly string[] = []): Promise<XrayProxy> {
  const started = await startXrayProxy({ listen: { host: "127.0.0.1", port: 0 }, paths }, { send })
  ends.push(() => started.stop())
  return started
}

/** The SDK's own client, told where the fake is. */
function upstream(
  credentials: () => Promise<FakeAws["credentials"]> = () => Promise.resolve(fake.credentials),
): Send {
  const client = new XRayClient({ endpoint: fake.url, region: fake.region, credentials })
  const made = makeXrayUpstream(
    { now: () => Date.now() },
    { client: () => Promise.resolve(client), noteTrouble: () => undefined },
  )
  ends.push(() => made.stop())
  return (path, headers, body, signal) => made.send(path, headers, body, signal)
}

const urlOf = ({ address }: XrayProxy, path: string): string =>
  `http://${address.host}:${address.port}${path}`
async function post(at: XrayProxy, path: string, init: RequestInit = {}) {
  const response = await fetch(urlOf(at, path), { method: "POST", body: "{}", ...init })
  return { status: response.status, body: await response.text(), headers: response.headers }
}

describe("sampling calls", () => {
  test("are signed, and answered with what X-Ray said", async () => {
    fake.xray.samplingRules.push({
      RuleName: "ours",
      Priority: 1,
      FixedRate: 0.5,
      ReservoirSize: 2,
      ServiceName: "*",
      ServiceType: "*",
      Host: "*",
      HTTPMethod: "*",
      URLPath: "*",
      ResourceARN: "*",
      Version: 1,
    })
    const at = await proxy(upstream())
    const { status, body } = await post(at, "/GetSamplingRules")
    expect(status).toBe(200)
    expect(body).toContain('"RuleName":"ours"')
    expect((await post(at, "/SamplingStatisticSummaries")).status).toBe(200)
    expect(at.counters()).toMatchObject({ passed: 2, refused: 0 })
  })

  test("an error of X-Ray reaches the client as it is", async () => {
    const at = await proxy(upstream())
    const { status, body } = await post(at, "/SamplingTargets", { body: "{}" })
    expect(status).toBe(400)
    expect(body).toContain("SamplingStatisticsDocuments")
  })

  test("the SDK's own client works against it unchanged, whatever it signs with", async () => {
    const at = await proxy(upstream())
    const client = new XRayClient({
      endpoint: urlOf(at, ""),
      region: "local",
      credentials: { accessKeyId: "any", secretAccessKey: "any" },
      maxAttempts: 1,
    })
    const { SamplingRuleRecords } = await client.send(new GetSamplingRulesCommand({}))
    expect(SamplingRuleRecords?.map(({ SamplingRule }) => SamplingRule?.RuleName)).toContain("Default")
    await expect(
      client.send(new GetTraceSummariesCommand({ StartTime: new Date(0), EndTime: new Date() })),
    ).rejects.toThrow("Only sampling calls are signed here")
    client.destroy()
  })

  test("headers of one hop, of others' signatures and of cookies end here", async () => {
    const seen: Readonly<Record<string, string>>[] = []
    const at = await proxy((_path, headers) => {
      seen.push(headers)
      return Promise.resolve({
        kind: "answer",
        status: 200,
        headers: { "set-cookie": ["a=b"], "content-type": "application/json", connection: "upgrade" },
        body: Buffer.from("{}"),
      })
    })
    const { headers } = await post(at, "/GetSamplingRules", {
      headers: {
        "content-type": "application/json",
        authorization: "AWS4-HMAC-SHA256 x",
        "x-amz-security-token": "t",
        "x-amz-target": "Other",
        "x-forwarded-for": "1.2.3.4",
        cookie: "a=b",
        te: "trailers",
      },
    })
    expect(seen).toEqual([
      { "content-type": "application/json", accept: "*/*", "user-agent": expect.any(String) },
    ])
    expect(headers.get("set-cookie")).toBeNull()
  })
})

const never: Send = () => {
  throw new Error("was sent")
}

describe("what is not a sampling call", () => {
  const rows: readonly [string, string, RequestInit, number][] = [
    ["traces of the account", "/Traces", {}, 403],
    ["a change of rules", "/UpdateSamplingRule", {}, 403],
    ["a query behind the path", "/GetSamplingRules?x=1", {}, 403],
    ["another way to write it", "/x/../%47etSamplingRules", {}, 403],
    ["another method", "/GetSamplingRules", { method: "PUT" }, 405],
    ["a web page", "/GetSamplingRules", { headers: { origin: "http://evil.example" } }, 403],
  ]
  test.each(rows)("%s", async (_, path, init, expected) => {
    const at = await proxy(never)
    const { status, body } = await post(at, path, init)
    expect(status).toBe(expected)
    expect(JSON.parse(body)).toEqual({ message: expect.any(String) })
    expect(at.counters()).toMatchObject({ refused: 1, passed: 0 })
  })

  test("is signed where configuration lists it", async () => {
    const at = await proxy(upstream(), ["/TraceSegments"])
    const { status } = await post(at, "/TraceSegments", { body: '{"TraceSegmentDocuments":[]}' })
    expect(status).toBe(200)
  })
})

describe("when X-Ray cannot be asked", () => {
  test("no credentials", async () => {
    const at = await proxy(
      upstream(() =>
        Promise.reject(
          Object.assign(new Error("Could not load credentials from any providers"), {
            name: "CredentialsProviderError",
          }),
        ),
      ),
    )
    const { status, body } = await post(at, "/GetSamplingRules")
    expect(status).toBe(503)
    expect(body).toContain("X-Ray cannot be asked now: No AWS credentials are found")
    expect(at.counters().unavailable).toBe(1)
  })

  test("nobody at the endpoint", async () => {
    const at = await proxy(upstream())
    await fake.stop()
    ends.shift()
    expect(await post(at, "/GetSamplingRules")).toMatchObject({ status: 503 })
  })
})

describe("limits", () => {
  test("a call of a megabyte", async () => {
    const at = await proxy(upstream())
    expect((await post(at, "/SamplingTargets", { body: "x".repeat(1_000_000) })).status).toBe(413)
    expect(at.counters()).toMatchObject({ too_large: 1, passed: 0 })
  })

  test("calls that X-Ray leaves without answer do not pile up, and end with the proxy", async () => {
    let begun = 0
    const at = await proxy((_path, _headers, _body, signal) => {
      begun++
      return new Promise((resolve) => {
        signal.addEventListener("abort", () => resolve({ kind: "trouble", why: "stopped" }))
      })
    })
    const calls = Array.from({ length: 40 }, () =>
      post(at, "/GetSamplingRules").then(
        ({ status }) => status,
        () => 0,
      ),
    )
    const answered = await Promise.race(calls)
    expect(answered).toBe(503)
    while (at.counters().busy < 8) await new Promise((resolve) => setTimeout(resolve, 5))
    expect(begun).toBe(32)
    await at.stop()
    expect((await Promise.all(calls)).filter((status) => status === 503)).toHaveLength(8)
  })

  test("headers of 20 KB, and a caller that says nothing", async () => {
    const at = await proxy(upstream())
    const { port } = at.address
    const sending = httpRequest({
      host: "127.0.0.1",
      port,
      method: "POST",
      path: "/GetSamplingRules",
      headers: { x: "y".repeat(20_000) },
    })
    sending.end()
    const [response] = (await once(sending, "response")) as [{ statusCode: number; resume(): void }]
    response.resume()
    expect(response.statusCode).toBe(431)
    const silent = connect(port, "127.0.0.1")
    await once(silent, "connect")
    await at.stop()
    silent.destroy()
  })

  test("a caller that goes away in the middle", async () => {
    const at = await proxy(upstream())
    const socket = connect(at.address.port, "127.0.0.1")
    socket.write("POST /GetSamplingRules HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n\r\n{")
    await new Promise((resolve) => setTimeout(resolve, 50))
    socket.destroy()
    while (at.counters().broken === 0) await new Promise((resolve) => setTimeout(resolve, 5))
    expect((await post(at, "/GetSamplingRules")).status).toBe(200)
  })
})

test("an address that is taken is said by name", async () => {
  const at = await proxy(upstream())
  const again = startXrayProxy({ listen: at.address, paths: [] }, { send: upstream() })
  await expect(again).rejects.toMatchObject({ code: "LISTEN_FAILED" })
})
