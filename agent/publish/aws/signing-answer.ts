import type { IncomingHttpHeaders } from "node:http"
import { bodyLine } from "../http/one-line.ts"
import { readStatusMessage } from "../otlp/export-response.ts"
import { type AwsAnswer, exceptionName } from "./trouble.ts"

/** The name of an error, or its words, in JSON, in XML, or as plain text. */
const NAMES = [
  /"(?:__type|code|Code)"\s*:\s*"([^"]{1,200})"/,
  /<Code>([^<]{1,200})<\/Code>/,
  /\b([A-Z][A-Za-z]{4,80}): /,
]
const MESSAGES = [
  /"[mM]essage"\s*:\s*"([^"]{1,300})"/,
  /<Message>([^<]{1,300})<\/Message>/,
  /^(?:[A-Z][A-Za-z]{4,80}: )?([^<{]{1,300})$/,
]

/**
 * An endpoint's answer to a request that no SDK client made. Its header has the name as `ExpiredTokenException:http://…`,
 * its JSON as `"__type":"com.amazon#ExpiredTokenException"`; OTLP writes a protobuf message with some text.
 */
export function awsAnswer(status: number, headers: IncomingHttpHeaders, body: Buffer): AwsAnswer {
  const rpc = headers["content-type"] === "application/x-protobuf" ? readStatusMessage(body) : ""
  const text = rpc === "" ? bodyLine(body) : rpc
  const header = headers["x-amzn-errortype"]
  return {
    status,
    name: exceptionName(typeof header === "string" ? header : found(text, NAMES)),
    message: found(text, MESSAGES),
    retryAfter: headers["retry-after"],
  }
}

function found(text: string, patterns: readonly RegExp[]): string {
  for (const pattern of patterns) {
    const match = pattern.exec(text)?.[1]
    if (match !== undefined) return match
  }
  return ""
}
