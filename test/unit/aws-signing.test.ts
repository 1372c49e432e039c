import { createServer } from "node:http"
import type { AddressInfo } from "node:net"
import { CloudWatchClient } from "@aws-sdk/client-cloudwatch"
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs"
import { XRayClient } from "@aws-sdk/client-xray"
import { afterEach, beforeEach, expect, onTestFinished, test, vi } from "vitest"
import { addressOf, type SdkConfig, type SdkSource } from "../../agent/publish/aws/endpoints.ts"
import { makeAwsSigner } from "../../agent/publish/aws/signing.ts"
import { signingRefusal } from "../../agent/publish/aws/signing-refusal.ts"
import { makePushClient, type PushRequest } from "../../agent/publish/http/push-client.ts"

/** The documentation's own example keys. */
const KEYS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" }
const NOW = Date.UTC(2015, 7, 30, 12, 36, 0)

// The SDK reads the environment and profile: nothing of this machine's may come in.
beforeEach(() => {
  for (const name of Object.keys(process.env).filter((one) => one.startsWith("AWS_")))
    vi.stubEnv(name, undefined)
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true")
  vi.stubEnv("AWS_CONFIG_FILE", "/nonexistent/config")
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
})
afterEach(() => void vi.unstubAllEnvs())

const sdk =
  (options: ConstructorParameters<typeof CloudWatchClient>[0] = {}): SdkSource =>
  () =>
    Promise.resolve(new CloudWatchClient(options))
const request = (url: string, body = "", method: PushRequest["method"] = "POST"): PushRequest => ({
  method,
  url: new URL(url),
  headers: {},
  body: Buffer.from(body),
})
const signerOf = (source: SdkSource, service = "monitoring") =>
  makeAwsSigner({ service, sdk: source }, { now: () => NOW })

test.each<
  [string, SdkConfig["endpointProvider"] extends never ? never : () => { config: SdkConfig }, string, string]
>([
  [
    "a region",
    () => new CloudWatchClient({ region: "eu-central-1" }),
    "/v1/metrics",
    "https://monitoring.eu-central-1.amazonaws.com/v1/metrics",
  ],
  [
    "China",
    () => new CloudWatchClient({ region: "cn-north-1" }),
    "/v1/metrics",
    "https://monitoring.cn-north-1.amazonaws.com.cn/v1/metrics",
  ],
  [
    "GovCloud with FIPS",
    () => new XRayClient({ region: "us-gov-west-1", useFipsEndpoint: true }),
    "/v1/traces",
    "https://xray-fips.us-gov-west-1.amazonaws.com/v1/traces",
  ],
  [
    "dual-stack",
    () => new CloudWatchLogsClient({ region: "us-east-1", useDualstackEndpoint: true }),
    "/v1/logs",
    "https://logs.us-east-1.api.aws/v1/logs",
  ],
  [
    "FIPS",
    () => new CloudWatchClient({ region: "us-east-1", useFipsEndpoint: true }),
    "/v1/metrics",
    "https://monitoring-fips.us-east-1.amazonaws.com/v1/metrics",
  ],
  [
    "an endpoint of the client",
    () => new CloudWatchClient({ region: "us-east-1", endpoint: "http://127.0.0.1:5055/base/" }),
    "/v1/metrics",
    "http://127.0.0.1:5055/base/v1/metrics",
  ],
])("the endpoint with %s", async (_, client, path, url) => {
  expect((await addressOf(client().config, path)).href).toBe(url)
})

test("the SDK's own variables name region and endpoint", async () => {
  vi.stubEnv("AWS_REGION", "eu-west-1")
  expect((await addressOf(new CloudWatchClient({}).config, "/v1/metrics")).host).toBe(
    "monitoring.eu-west-1.amazonaws.com",
  )
  vi.stubEnv("AWS_ENDPOINT_URL_CLOUDWATCH", "http://127.0.0.1:9")
  expect((await addressOf(new CloudWatchClient({}).config, "/v1/metrics")).href).toBe(
    "http://127.0.0.1:9/v1/metrics",
  )
  expect((await addressOf(new XRayClient({}).config, "/v1/traces")).host).toBe("xray.eu-west-1.amazonaws.com")
  vi.stubEnv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
  expect((await addressOf(new CloudWatchClient({}).config, "/v1/metrics")).host).toBe(
    "monitoring.eu-west-1.amazonaws.com",
  )
})

test("what is missing is said, and found once it is there", async () => {
  await expect(addressOf(new CloudWatchClient({}).config, "/")).rejects.toMatchObject({
    code: "EXPORT_UNAVAILABLE",
    retryable: true,
    message: "No AWS region is known: set AWS_REGION, or region in the AWS profile.",
  })
  const signer = signerOf(sdk({ region: "us-east-1" }))
  await expect(signer.sign(request("https://monitoring.us-east-1.amazonaws.com/"))).rejects.toMatchObject({
    code: "EXPORT_UNAVAILABLE",
    retryable: true,
    message: expect.stringMatching(/^No AWS credentials are found: give this process a role/),
  })
  vi.stubEnv("AWS_ACCESS_KEY_ID", KEYS.accessKeyId)
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", KEYS.secretAccessKey)
  expect(await signer.sign(request("https://monitoring.us-east-1.amazonaws.com/"))).toMatchObject({
    authorization: expect.stringContaining(
      "Credential=AKIDEXAMPLE/20150830/us-east-1/monitoring/aws4_request",
    ),
  })
})

test("settings that exclude each other are told, not thrown away", async () => {
  const { config } = new CloudWatchClient({
    region: "us-east-1",
    useFipsEndpoint: true,
    endpoint: "http://127.0.0.1:1",
  })
  await expect(addressOf(config, "/")).rejects.toMatchObject({
    message: expect.stringMatching(/^The AWS endpoint cannot be told: Invalid Configuration: FIPS/),
  })
})

test("signs as the documentation's example does", async () => {
  // docs.aws.amazon.com, "get-vanilla-query-order-key-case" of the Signature Version 4 test suite.
  const { SignatureV4 } = await import("@smithy/signature-v4")
  const { Sha256 } = await import("../../agent/publish/aws/sha256.ts")
  const signer = new SignatureV4({
    service: "service",
    region: "us-east-1",
    credentials: KEYS,
    sha256: Sha256,
    applyChecksum: false,
  })
  const { headers } = await signer.sign(
    {
      method: "GET",
      protocol: "https:",
      hostname: "example.amazonaws.com",
      path: "/",
      query: { Param2: "value2", Param1: "value1" },
      headers: { host: "example.amazonaws.com" },
    },
    { signingDate: new Date(NOW) },
  )
  expect(headers["authorization"]).toBe(
    "AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20150830/us-east-1/service/aws4_request, SignedHeaders=host;x-amz-date, Signature=b97d918cfa904a5beff61c982a1b6f458b799221646efd99d3219ec94cdf2500",
  )
})
