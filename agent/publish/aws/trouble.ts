import { whyLine } from "../http/one-line.ts"

/** What went wrong with a request to AWS, in words for the user, and what is to be done with what it carried. */
export type AwsTrouble =
  /**
   * To be sent again: the fault is with neither the records nor the protocol. `credentials`: what signs must be made anew
   * before, since the SDK keeps what it once found (and that it found nothing). `denied`: they are good and do not allow it.
   */
  | {
      readonly kind: "retry"
      readonly why: string
      readonly afterMs?: number
      readonly credentials?: true
      readonly denied?: true
    }
  /** Refused for good. */
  | { readonly kind: "rejected"; readonly why: string; readonly reason: "invalid" | "too_large" }
  /** What the request names is not there: a log group or stream. */
  | { readonly kind: "missing"; readonly why: string }

/** An answer of an AWS endpoint that is not a success, however it was asked. */
export interface AwsAnswer {
  readonly status: number
  /** Name of the exception without namespace; empty where the answer has none (see `exceptionName`). */
  readonly name: string
  readonly message: string
  /** Header `retry-after`, if it was there. */
  readonly retryAfter?: string | undefined
  /** The body is nothing that AWS writes, so something else stands at the endpoint or before it. */
  readonly foreign?: boolean
}

/** Names that mean: less often. Some services answer 400 with them. Source: the SDK's own list of throttling codes. */
const THROTTLED =
  /Throttl|TooManyRequests|^SlowDown$|^RequestLimitExceeded$|^BandwidthLimitExceeded$|^ProvisionedThroughput/
const SKEWED = /^(?:RequestTimeTooSkewed|RequestExpired|RequestInTheFuture)$/
/** A signature's own words for a clock that is wrong; other signature errors are a wrong key. */
const SKEWED_MESSAGE = /signature (?:expired|not yet current)/i
const EXPIRED = /^(?:ExpiredToken|TokenRefreshRequired|ExpiredTokenException)/
const UNKNOWN_KEY =
  /^(?:UnrecognizedClient|InvalidClientTokenId|InvalidAccessKeyId|InvalidSignature|SignatureDoesNotMatch|IncompleteSignature|MissingAuthenticationToken|InvalidToken|AuthFailure)/
const DENIED = /AccessDenied|^NotAuthorized|^UnauthorizedOperation|^OptInRequired|^SubscriptionRequired/
const LIMIT = /^(?:LimitExceeded|ServiceQuotaExceeded)/
const BUSY = /^(?:OperationAborted|ServiceUnavailable|InternalFailure|InternalServer|RequestTimeout)/
const MISSING = /^(?:ResourceNotFound|NoSuchEntity)/
const TOO_LARGE = /TooLarge|TooLong/

/** Sorts an answer that is not a success. Only what the request itself says wrongly is a rejection. */
export function answerTrouble(answer: AwsAnswer): AwsTrouble {
  const { status, name, message, retryAfter, foreign } = answer
  const retry = (why: string, more: { credentials?: true; denied?: true } = {}): AwsTrouble => {
    const afterMs = retryAfterMs(retryAfter)
    return {
      kind: "retry",
      why: whyLine(`${why} (${told(answer)})`),
      ...(afterMs === undefined ? {} : { afterMs }),
      ...more,
    }
  }
  if (status === 429 || THROTTLED.test(name)) return retry("AWS throttles the requests of this account")
  if (LIMIT.test(name)) return retry("A limit of this AWS account is reached: raise it in Service Quotas")
  if (SKEWED.test(name) || SKEWED_MESSAGE.test(message))
    return retry("The clock of this machine is wrong, so AWS refuses what it signs: synchronise it")
  if (EXPIRED.test(name)) return retry("The AWS credentials have expired", { credentials: true })
  if (UNKNOWN_KEY.test(name) || status === 401)
    return retry("AWS does not accept the credentials: check the access key and the region", {
      credentials: true,
    })
  if (DENIED.test(name) || status === 403)
    return retry("The AWS credentials do not allow this: add the action to the role's policy", {
      denied: true,
    })
  if (MISSING.test(name)) return { kind: "missing", why: whyLine(told(answer)) }
  if (status >= 500 || BUSY.test(name)) return retry("AWS has trouble of its own")
  if (status === 413 || TOO_LARGE.test(name))
    return { kind: "rejected", reason: "too_large", why: whyLine(told(answer)) }
  if (foreign !== true && (status === 400 || status === 415 || status === 422))
    return { kind: "rejected", reason: "invalid", why: whyLine(told(answer)) }
  return retry("This is no answer of AWS: check the endpoint and the proxies before it")
}

/** `InvalidParameterException` of `com.amazonaws.logs#InvalidParameterException` or `InvalidParameterException:http://…`. */
export function exceptionName(type: string): string {
  const local = type.slice(type.lastIndexOf("#") + 1)
  const colon = local.indexOf(":")
  return colon < 0 ? local : local.slice(0, colon)
}

function told({ status, name, message }: AwsAnswer): string {
  const said = message === "" || message === "UnknownError" ? "" : `: ${message}`
  return name === "" ? `status ${status}${said}` : `${name}${said}`
}

/** Seconds. AWS sends no dates here. */
function retryAfterMs(header: string | undefined): number | undefined {
  return header !== undefined && /^\d{1,6}$/.test(header) ? Number(header) * 1000 : undefined
}
