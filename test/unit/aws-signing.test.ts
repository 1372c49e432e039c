import { writeFileSync } from "node:fs"
import { join } from "node:path"
import { CloudWatchClient, type CloudWatchClientConfig } from "@aws-sdk/client-cloudwatch"
import { CloudWatchLogsClient } from "@aws-sdk/client-cloudwatch-logs"
import { XRayClient } from "@aws-sdk/client-xray"
import { afterEach, beforeEach, expect, test, vi } from "vitest"
import { makeAwsClientHolder } from "../../agent/publish/aws/client-holder.ts"
import { awsTarget, type SdkConfig } from "../../agent/publish/aws/endpoints.ts"
import { Sha256 } from "../../agent/publish/aws/sha256.ts"
import { makeAwsSigner } from "../../agent/publish/aws/signing.ts"
import type { PushRequest } from "../../agent/publish/http/push-client.ts"
import { stubBareEnvironment } from "../fake/aws/bare-environment.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"

/** The documentation's own example keys. */
const KEYS = { accessKeyId: "AKIDEXAMPLE", secretAccessKey: "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY" }
const NOW = Date.UTC(2015, 7, 30, 12, 36, 0)
const METRICS = "/v1/metrics"

// The SDK reads the environment and profile: nothing of this machine's may come in.
beforeEach(stubBareEnvironment)
afterEach(() => void vi.unstubAllEnvs())

const cloudwatch = (options: CloudWatchClientConfig = {}) =>
  makeAwsClientHolder((own) => Promise.resolve(new CloudWatchClient({ ...own, ...options })))
const request: PushRequest = {
  method: "POST",
  url: new URL("https://monitoring.us-east-1.amazonaws.com/v1/metrics?b=2&a=1"),
  headers: { "content-type": "application/x-protobuf" },
  body: Buffer.from("hello"),
}
const signerOf = (sdk: ReturnType<typeof cloudwatch>) =>
  makeAwsSigner({ service: "monitoring" }, { sdk, now: () => NOW })

const place = async (client: { config: SdkConfig }, path: string): Promise<string> => {
  const sdk = { client: () => Promise.resolve(client), noteTrouble: () => undefined }
  return (await awsTarget(sdk, path)()).href
}

test.each<[string, { config: SdkConfig }, string, string]>([
  [
    "a region",
    new CloudWatchClient({ region: "eu-central-1" }),
    METRICS,
    "https://monitoring.eu-central-1.amazonaws.com/v1/metrics",
  ],
  [
    "China",
    new CloudWatchClient({ region: "cn-north-1" }),
    METRICS,
    "https://monitoring.cn-north-1.amazonaws.com.cn/v1/metrics",
  ],
  [
    "FIPS in GovCloud",
    new XRayClient({ region: "us-gov-west-1", useFipsEndpoint: true }),
    "/v1/traces",
    "https://xray-fips.us-gov-west-1.amazonaws.com/v1/traces",
  ],
  [
    "FIPS",
    new CloudWatchClient({ region: "us-east-1", useFipsEndpoint: true }),
    METRICS,
    "https://monitoring-fips.us-east-1.amazonaws.com/v1/metrics",
  ],
  [
    "dual-stack",
    new CloudWatchLogsClient({ region: "us-east-1", useDualstackEndpoint: true }),
    "/v1/logs",
    "https://logs.us-east-1.api.aws/v1/logs",
  ],
  [
    "an endpoint of the client",
    new CloudWatchClient({ region: "us-east-1", endpoint: "http://127.0.0.1:5055/base/" }),
    METRICS,
    "http://127.0.0.1:5055/base/v1/metrics",
  ],
])("the endpoint with %s", async (_, client, path, url) => {
  expect(await place(client, path)).toBe(url)
})

test("the SDK's own variables name region and endpoint", async () => {
  vi.stubEnv("AWS_REGION", "eu-west-1")
  const regional = "https://monitoring.eu-west-1.amazonaws.com/v1/metrics"
  expect(await place(new CloudWatchClient({}), METRICS)).toBe(regional)
  vi.stubEnv("AWS_ENDPOINT_URL_CLOUDWATCH", "http://127.0.0.1:9")
  expect(await place(new CloudWatchClient({}), METRICS)).toBe("http://127.0.0.1:9/v1/metrics")
  expect(await place(new XRayClient({}), "/v1/traces")).toBe("https://xray.eu-west-1.amazonaws.com/v1/traces")
  vi.stubEnv("AWS_IGNORE_CONFIGURED_ENDPOINT_URLS", "true")
  expect(await place(new CloudWatchClient({}), METRICS)).toBe(regional)
})

test("what is missing is said, and found once it is there", async () => {
  await expect(awsTarget(cloudwatch(), METRICS)()).rejects.toThrow(/^No AWS region is set: set AWS_REGION/)
  const signer = signerOf(cloudwatch({ region: "us-east-1" }))
  await expect(signer.sign(request)).rejects.toThrow(/^No AWS credentials are found: give the agent's pod/)
  vi.stubEnv("AWS_ACCESS_KEY_ID", KEYS.accessKeyId)
  vi.stubEnv("AWS_SECRET_ACCESS_KEY", KEYS.secretAccessKey)
  expect(await signer.sign(request)).toMatchObject({
    authorization: expect.stringContaining(
      "Credential=AKIDEXAMPLE/20150830/us-east-1/monitoring/aws4_request",
    ),
  })
})

test("settings that exclude each other are told", async () => {
  const sdk = cloudwatch({ region: "us-east-1", useFipsEndpoint: true, endpoint: "http://127.0.0.1:1" })
  await expect(awsTarget(sdk, METRICS)()).rejects.toThrow(/Invalid Configuration: FIPS and custom endpoint/)
})

test("signs as the documentation's example does", async () => {
  // "get-vanilla-query-order-key-case" of AWS's Signature Version 4 test suite.
  const { SignatureV4 } = await import("@smithy/signature-v4")
  const own = { service: "service", region: "us-east-1", credentials: KEYS, applyChecksum: false }
  const { headers } = await new SignatureV4({ ...own, sha256: Sha256 }).sign(
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

const answered = (status: number, type: string, text = "") =>
  [status, type === "" ? {} : { "x-amzn-errortype": type }, Buffer.from(text)] as const

test.each([
  [
    answered(403, "ExpiredTokenException:http://x/"),
    { why: expect.stringMatching(/^The AWS credentials have expired/) },
  ],
  [
    answered(400, "", '{"__type":"com.amazon#ThrottlingException","message":"Rate"}'),
    { why: expect.stringMatching(/throttles .*Rate/) },
  ],
  [
    answered(403, "", "<ErrorResponse><Error><Code>SignatureDoesNotMatch</Code></Error></ErrorResponse>"),
    { why: expect.stringMatching(/does not accept the credentials/) },
  ],
  [answered(403, "", '{"message":"no"}'), { why: expect.stringMatching(/do not allow this/) }],
  [answered(400, "ValidationException", "bad"), undefined],
  [answered(413, ""), undefined],
])("an answer %j is about the caller, or about the request", (answer, expected) => {
  expect(signerOf(cloudwatch()).refused(...answer)).toEqual(expected)
})

test("credentials that an answer blames are looked for again", async () => {
  let asked = 0
  const credentials = () => {
    asked++
    return Promise.resolve({ ...KEYS, expiration: new Date(Date.now() + 3_600_000) })
  }
  const signer = signerOf(cloudwatch({ region: "us-east-1", credentials }))
  await signer.sign(request)
  await signer.sign(request)
  expect(asked).toBe(1)
  signer.refused(...answered(403, "ExpiredTokenException"))
  await signer.sign(request)
  expect(asked).toBe(2)
})

test("credentials in a file that was written anew are read after an answer that blames the old ones", async () => {
  const file = join(temporaryFolder(), "credentials")
  const keep = (id: string): void =>
    writeFileSync(file, `[default]\naws_access_key_id = ${id}\naws_secret_access_key = secret\n`)
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", file)
  keep("AKIDOLD")
  const signer = signerOf(cloudwatch({ region: "us-east-1" }))
  const signedBy = async (): Promise<string | undefined> =>
    /Credential=(\w+)/.exec((await signer.sign(request))["authorization"] ?? "")?.[1]
  expect(await signedBy()).toBe("AKIDOLD")
  keep("AKIDNEW")
  expect(await signedBy()).toBe("AKIDOLD")
  signer.refused(...answered(403, "UnrecognizedClientException"))
  expect(await signedBy()).toBe("AKIDNEW")
})
