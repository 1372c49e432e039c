import { MeshscopeError } from "#mesh/errors.ts"
import { whyLine } from "./one-line.ts"

/** Why a receiver gave no answer, with what the user can do. The first row that knows the code says it. */
const WORDS: readonly (readonly [codes: RegExp, words: string])[] = [
  [/^ECONNREFUSED$/, "Nobody listens at the receiver's address: start the receiver, or correct the address"],
  [/^(?:ENOTFOUND|EAI_AGAIN)$/, "The name of the receiver's host is not found: check the address and DNS"],
  [/^(?:ECONNRESET|EPIPE)$/, "The receiver closed the connection without an answer: look into its log"],
  [/^(?:EHOSTUNREACH|ENETUNREACH|ETIMEDOUT)$/, "No way leads to the receiver: check routes and firewalls"],
  [
    /^(?:CERT_|UNABLE_TO_|SELF_SIGNED|DEPTH_ZERO|ERR_TLS)/,
    "The receiver's certificate is not trusted: name its authority in `tls.ca`",
  ],
  [/^(?:EPROTO|ERR_SSL)/, "The receiver speaks no TLS as we know it: check http or https in the address"],
]

/** What was thrown in place of an answer, as a sentence of one line; the system's own words stand in brackets. */
export function noAnswer(error: unknown): string {
  if (!(error instanceof Error)) return whyLine(String(error))
  // Ours says what to do.
  if (error instanceof MeshscopeError) return whyLine(error.message)
  const code = "code" in error && typeof error.code === "string" ? error.code : ""
  const known = WORDS.find(([codes]) => codes.test(code))?.[1]
  if (known !== undefined) return whyLine(`${known} (${error.message || code})`)
  return whyLine(code === "" ? error.message : `${code}: ${error.message}`)
}
