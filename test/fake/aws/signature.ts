import { createHash, createHmac } from "node:crypto"
import type { IncomingHttpHeaders } from "node:http"

export interface Credentials {
  readonly accessKeyId: string
  readonly secretAccessKey: string
  /** Of temporary credentials; then each request must carry it. */
  readonly sessionToken?: string
}

export interface SignedRequest {
  readonly method: string
  /** As it stood in the request line. */
  readonly target: string
  readonly headers: IncomingHttpHeaders
  /** As it came, before any inflating. */
  readonly body: Uint8Array
}

export interface Scope {
  readonly credentials: Credentials
  readonly region: string
  readonly service: string
  readonly nowMs: number
}

export interface SignatureProblem {
  readonly code:
    | "MissingAuthenticationTokenException"
    | "IncompleteSignatureException"
    | "UnrecognizedClientException"
    | "InvalidSignatureException"
  readonly message: string
}

/** docs.aws.amazon.com/IAM/latest/UserGuide/signing-elements.html: five minutes for most services (S3 has fifteen). */
const SKEW_MS = 5 * 60_000
const AUTHORIZATION =
  /^AWS4-HMAC-SHA256 Credential=([^/,\s]+)\/(\d{8})\/([^/,\s]+)\/([^/,\s]+)\/aws4_request, *SignedHeaders=([a-z0-9;_-]+), *Signature=([0-9a-f]{64})$/

const sha256 = (data: string | Uint8Array): string => createHash("sha256").update(data).digest("hex")
const hmac = (key: string | Uint8Array, data: string): Buffer =>
  createHmac("sha256", key).update(data).digest()

/**
 * Checks AWS Signature Version 4 in its header form, written from docs.aws.amazon.com/IAM/latest/UserGuide
 * (reference_sigv-create-signed-request.html, reference_sigv-troubleshooting.html), not from any client's code.
 * Codes as CloudWatch Logs' page of common errors has them; texts as services write them.
 */
export function signatureProblem(request: SignedRequest, scope: Scope): SignatureProblem | undefined {
  const { headers } = request
  if (headers.authorization === undefined)
    return { code: "MissingAuthenticationTokenException", message: "Missing Authentication Token" }
  const [, keyId, day, region, service, names, signature] = AUTHORIZATION.exec(headers.authorization) ?? []
  if (keyId === undefined || day === undefined || names === undefined || signature === undefined)
    return incomplete(
      "Authorization header requires 'Credential', 'SignedHeaders' and 'Signature' parameters.",
    )
  const amzDate = headerText(headers["x-amz-date"])
  const at = signedAtMs(amzDate)
  if (at === undefined)
    return incomplete("Authorization header requires existence of an 'X-Amz-Date' header.")
  const wrongScope =
    scopeProblem({ day, region, service, amzDate }, scope) ?? skewProblem(at, amzDate, scope.nowMs)
  const signed = names.split(";")
  return (
    keyProblem(keyId, headers, scope.credentials) ??
    wrongScope ??
    unsignedHeader(headers, signed) ??
    payloadProblem(request) ??
    mismatch(request, scope, { day, amzDate, signed, signature })
  )
}

const incomplete = (message: string): SignatureProblem => ({ code: "IncompleteSignatureException", message })
const invalid = (message: string): SignatureProblem => ({ code: "InvalidSignatureException", message })

const headerText = (value: string | string[] | undefined): string =>
  (Array.isArray(value) ? value : [value ?? ""]).map((one) => one.trim().replaceAll(/ +/g, " ")).join(",")

function signedAtMs(date: string): number | undefined {
  const parts = /^(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)Z$/.exec(date)
  if (parts === null) return undefined
  const [year, month, day, hour, minute, second] = parts.slice(1).map(Number) as [number, ...number[]]
  return Date.UTC(year, (month ?? 1) - 1, day, hour, minute, second)
}

function keyProblem(
  keyId: string,
  headers: IncomingHttpHeaders,
  credentials: Credentials,
): SignatureProblem | undefined {
  const token = headers["x-amz-security-token"]
  if (keyId === credentials.accessKeyId && token === credentials.sessionToken) return undefined
  return {
    code: "UnrecognizedClientException",
    message: "The security token included in the request is invalid.",
  }
}

function scopeProblem(
  named: { day: string; region: string | undefined; service: string | undefined; amzDate: string },
  scope: Scope,
): SignatureProblem | undefined {
  if (named.service !== scope.service)
    return invalid(`Credential should be scoped to correct service: '${scope.service}'.`)
  if (named.region !== scope.region)
    return invalid(`Credential should be scoped to a valid region, not '${named.region}'.`)
  if (!named.amzDate.startsWith(named.day))
    return invalid(
      `Date in Credential scope does not match YYYYMMDD from ISO-8601 version of date: '${named.day}'`,
    )
  return undefined
}

const stamp = (ms: number): string => new Date(ms).toISOString().replaceAll(/[-:]|\.\d+/g, "")

function skewProblem(at: number, amzDate: string, nowMs: number): SignatureProblem | undefined {
  if (at < nowMs - SKEW_MS)
    return invalid(
      `Signature expired: ${amzDate} is now earlier than ${stamp(nowMs - SKEW_MS)} (${stamp(nowMs)} - 5 min.)`,
    )
  if (at > nowMs + SKEW_MS)
    return invalid(
      `Signature not yet current: ${amzDate} is still later than ${stamp(nowMs + SKEW_MS)} (${stamp(nowMs)} + 5 min.)`,
    )
  return undefined
}

/** Host, content type and every x-amz header must be signed, in order, and a header that is signed must be there. */
function unsignedHeader(
  headers: IncomingHttpHeaders,
  signed: readonly string[],
): SignatureProblem | undefined {
  const needed = Object.keys(headers).filter((name) => name.startsWith("x-amz-") || name === "content-type")
  const lacking = ["host", ...needed].find((name) => !signed.includes(name))
  if (lacking !== undefined) return invalid(`'${lacking}' must be a 'SignedHeader' in the AWS Authorization.`)
  const absent = signed.find((name) => headers[name] === undefined)
  if (absent !== undefined) return invalid(`The signed header '${absent}' is not in the request.`)
  const sorted = signed.toSorted().join(";") === signed.join(";")
  return sorted ? undefined : invalid("SignedHeaders are not in alphabetical order.")
}

/** Only S3 takes `UNSIGNED-PAYLOAD`. */
function payloadProblem({ headers, body }: SignedRequest): SignatureProblem | undefined {
  const said = headers["x-amz-content-sha256"]
  if (said === undefined || said === sha256(body)) return undefined
  return invalid("The value of 'x-amz-content-sha256' is not the hash of the body that came.")
}

function mismatch(
  request: SignedRequest,
  { credentials, region, service }: Scope,
  {
    day,
    amzDate,
    signed,
    signature,
  }: { day: string; amzDate: string; signed: readonly string[]; signature: string },
): SignatureProblem | undefined {
  const scope = `${day}/${region}/${service}/aws4_request`
  const toSign = ["AWS4-HMAC-SHA256", amzDate, scope, sha256(canonicalRequest(request, signed))].join("\n")
  const key = [region, service, "aws4_request"].reduce<string | Buffer>(
    (secret, part) => hmac(secret, part),
    hmac(`AWS4${credentials.secretAccessKey}`, day),
  )
  if (hmac(key, toSign).toString("hex") === signature) return undefined
  return invalid(
    "The request signature we calculated does not match the signature you provided. " +
      "Check your AWS Secret Access Key and signing method. Consult the service documentation for details.",
  )
}

/** RFC 3986: everything but A-Z a-z 0-9 - _ . ~ */
const encoded = (text: string): string =>
  encodeURIComponent(text).replaceAll(
    /[!'()*]/g,
    (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`,
  )

function canonicalRequest(
  { method, target, headers, body }: SignedRequest,
  signed: readonly string[],
): string {
  const [path = "/", query = ""] = target.split("?", 2)
  // every service but S3 encodes the path once more than it stands in the request
  const uri = path.split("/").map(encoded).join("/")
  const pairs = query === "" ? [] : query.split("&").map((pair) => pair.split("=", 2).map(decodeURIComponent))
  const sorted = pairs.map(([name = "", value = ""]) => `${encoded(name)}=${encoded(value)}`).toSorted()
  const lines = signed.map((name) => `${name}:${headerText(headers[name])}\n`)
  return [method, uri, sorted.join("&"), lines.join(""), signed.join(";"), sha256(body)].join("\n")
}
