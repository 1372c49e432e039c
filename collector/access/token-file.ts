import { readFile } from "node:fs/promises"
import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { fileUnreadable } from "#mesh/system-reason.ts"
import type { Log } from "../log.ts"
import { ADMITTED, type Proof, sameText } from "./admission.ts"

/** A token that was replaced holds after at most so long, ms. */
const READ_MS = 1000

/** The token without the line break at its end. @throws MeshscopeError FILE_UNREADABLE, CONFIG_INVALID when it is empty */
async function readToken(file: string): Promise<string> {
  let text: string
  try {
    text = await readFile(file, "utf8")
  } catch (cause) {
    throw fileUnreadable("The token file (setting intake.tokenFile)", file, cause)
  }
  return goodToken(text, `The token file ${file}`)
}

/** A token that a header can carry, without the line break at its end. @throws MeshscopeError CONFIG_INVALID */
export function goodToken(text: string, what: string): string {
  const token = text.trim()
  if (token === "") throw new MeshscopeError("CONFIG_INVALID", `${what} is empty.`)
  if (!/^[\u0021-\u007E]+$/.test(token))
    throw new MeshscopeError(
      "CONFIG_INVALID",
      `${what} holds a space, a second line or what is no ASCII; no header can carry that.`,
    )
  return token
}

/**
 * One token for all, in a file that may be replaced while we run. While it cannot be read, the last one stays good.
 * @throws MeshscopeError FILE_UNREADABLE, CONFIG_INVALID
 */
export async function tokenFileProof(file: string, deps: { clock: Clock; log: Log }): Promise<Proof> {
  const { clock, log } = deps
  let token = await readToken(file)
  let readAt = clock.monotonic()
  let told = ""
  let reading: Promise<void> | undefined
  const read = async (): Promise<void> => {
    try {
      token = await readToken(file)
      told = ""
    } catch (error) {
      const { code, message } = error instanceof MeshscopeError ? error : { code: "", message: String(error) }
      if (message !== told) log.warn(`${message} The token that was read before stays good.`, { code })
      told = message
    }
    readAt = clock.monotonic()
    reading = undefined
  }
  return {
    async check(shown) {
      // Whoever comes while it is read waits: nobody is judged by a token that was replaced.
      if (clock.monotonic() - readAt >= READ_MS) await (reading ??= read())
      return sameText(shown, token)
        ? ADMITTED
        : { kind: "refused", message: "The bearer token is not the one of the setting intake.tokenFile." }
    },
  }
}
