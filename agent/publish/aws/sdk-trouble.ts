import { whyLine } from "../http/one-line.ts"
import { LOCAL_TROUBLE } from "./local-trouble.ts"
import { type AwsTrouble, answerTrouble } from "./trouble.ts"

/**
 * Sorts what an SDK client throws. Nothing unknown is a rejection: what nobody understands is tried again, and the queue's
 * budget says for how long. Shapes seen with the SDK 3.1169: errors of a service have `name` and `$metadata.httpStatusCode`,
 * those of Node a `code`, those of providers neither.
 */
export function awsTrouble(error: unknown): AwsTrouble {
  if (!(error instanceof Error)) return { kind: "retry", why: whyLine(String(error)) }
  const status = statusOf(error)
  if (status !== undefined) {
    // What is not JSON is no answer of AWS; the SDK throws its parser's error.
    const foreign = error instanceof SyntaxError || error.name === "Unknown"
    const { name, message } = foreign ? { name: "", message: "" } : error
    return answerTrouble({ status, name, message, retryAfter: retryAfterOf(error), foreign })
  }
  return localTrouble(error)
}

/** No answer came. */
function localTrouble(error: Error): AwsTrouble {
  const code = textMember(error, "code") ?? ""
  const known = LOCAL_TROUBLE.find(({ is }) => is(error, code))
  if (known === undefined) return { kind: "retry", why: whyLine(`${code || error.name}: ${error.message}`) }
  const why = whyLine(`${known.why} (${error.message})`)
  return { kind: "retry", why, ...(known.credentials === true ? { credentials: true } : {}) }
}

function statusOf(error: Error): number | undefined {
  const metadata = member(error, "$metadata")
  const status = member(metadata, "httpStatusCode")
  return typeof status === "number" ? status : undefined
}

function retryAfterOf(error: Error): string | undefined {
  return textMember(member(member(error, "$response"), "headers"), "retry-after")
}

function member(of: unknown, key: string): unknown {
  return typeof of === "object" && of !== null ? Reflect.get(of, key) : undefined
}

function textMember(of: unknown, key: string): string | undefined {
  const value = member(of, key)
  return typeof value === "string" ? value : undefined
}
