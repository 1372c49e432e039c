import type { IncomingHttpHeaders } from "node:http"
import { plainText } from "../http/answer-result.ts"

/** An answer that says nothing about the records: they stay good. */
export interface SigningRefusal {
  readonly why: string
  /** New credentials may help. */
  readonly renew: boolean
}

const ROLE = "check the role or keys of this process."
/**
 * Errors that any AWS API answers before it looks at a request
 * (docs.aws.amazon.com/AmazonCloudWatch/latest/APIReference/CommonErrors.html,
 * docs.aws.amazon.com/IAM/latest/UserGuide/reference_sigv-troubleshooting.html), without `Exception` at the end.
 */
const SENTENCES: ReadonlyMap<string, readonly [sentence: string, renew: boolean]> = new Map([
  ["ExpiredToken", ["The AWS credentials have expired; new ones are asked for.", true]],
  ["UnrecognizedClient", [`AWS does not know the access key: ${ROLE}`, true]],
  ["InvalidClientTokenId", [`AWS does not know the access key: ${ROLE}`, true]],
  ["InvalidAccessKeyId", [`AWS does not know the access key: ${ROLE}`, true]],
  ["SignatureDoesNotMatch", [`AWS refuses the signature: ${ROLE}`, true]],
  ["InvalidSignature", [`AWS refuses the signature: check the keys, and the clock of this host.`, true]],
  ["IncompleteSignature", [`AWS refuses the signature: ${ROLE}`, true]],
  ["MissingAuthenticationToken", [`AWS found no signature: ${ROLE}`, true]],
  ["RequestExpired", ["AWS finds the request too old: check the clock of this host.", false]],
  ["RequestTimeTooSkewed", ["AWS finds the request too old: check the clock of this host.", false]],
  ["AccessDenied", ["The role or user may not do this: check its policy.", false]],
  ["NotAuthorized", ["The role or user may not do this: check its policy.", false]],
  ["OptInRequired", ["This AWS account has not opted in to the service or region.", false]],
  ["Throttling", ["AWS takes no more requests now.", false]],
  ["Throttled", ["AWS takes no more requests now.", false]],
  ["TooManyRequests", ["AWS takes no more requests now.", false]],
  ["RequestLimitExceeded", ["AWS takes no more requests now.", false]],
  ["ServiceUnavailable", ["The AWS service is not available now.", false]],
])

/** What an answer of 400 or more says about who asked. Undefined when it is about the request itself. */
export function signingRefusal(
  status: number,
  headers: IncomingHttpHeaders,
  body: Buffer,
): SigningRefusal | undefined {
  const text = plainText(body)
  const code = codeOf(headers["x-amzn-errortype"], text)
  const [sentence, renew] = SENTENCES.get(code.replace(/Exception$/, "")) ?? []
  if (sentence !== undefined && renew !== undefined) return { why: `${sentence} ${said(code, text)}`, renew }
  if (status !== 401 && status !== 403) return undefined
  return { why: `AWS refuses the credentials: ${ROLE} ${said(code, text)}`, renew: true }
}

/** From the header `ExpiredTokenException:http://…`, JSON `"__type":"com.amazon#ExpiredTokenException"`, or XML `<Code>…`. */
function codeOf(header: string | string[] | undefined, text: string): string {
  const found =
    typeof header === "string"
      ? header
      : (/"(?:__type|code|Code)"\s*:\s*"([^"]{1,200})"/.exec(text)?.[1] ??
        /<Code>([^<]{1,200})<\/Code>/.exec(text)?.[1] ??
        "")
  return /(?:^|#)(\w{1,80})(?::|$)/.exec(found)?.[1] ?? ""
}

const MAX_SAID_CHARS = 200

function said(code: string, text: string): string {
  return `(${`${code} ${text}`.trim().slice(0, MAX_SAID_CHARS)})`
}
