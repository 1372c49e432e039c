import type { IncomingHttpHeaders } from "node:http"
import { plainText } from "../http/answer-result.ts"
import { type AwsAnswer, exceptionName } from "./trouble.ts"

/**
 * Who was refused and why, as the endpoints write it to a request that no SDK client made: the name in a header
 * (`ExpiredTokenException:http://…`), in JSON (`"__type":"com.amazon#ExpiredTokenException"`) or in XML (`<Code>…`).
 */
export function awsAnswer(status: number, headers: IncomingHttpHeaders, body: Buffer): AwsAnswer {
  const text = plainText(body)
  const header = headers["x-amzn-errortype"]
  const type =
    typeof header === "string"
      ? header
      : found(text, /"(?:__type|code|Code)"\s*:\s*"([^"]{1,200})"/, /<Code>([^<]{1,200})<\/Code>/)
  return {
    status,
    name: exceptionName(type),
    message: found(text, /"(?:[mM]essage)"\s*:\s*"([^"]{1,300})"/, /<Message>([^<]{1,300})<\/Message>/),
    retryAfter: headers["retry-after"],
  }
}

function found(text: string, json: RegExp, xml: RegExp): string {
  return json.exec(text)?.[1] ?? xml.exec(text)?.[1] ?? ""
}
