import { createHash } from "node:crypto"
import type { TokenReviewer } from "#kubernetes/token-review.ts"
import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { isObject, ownMember } from "#mesh/json-object.ts"
import type { Log } from "../log.ts"
import { ADMITTED, type Proof, type Verdict } from "./admission.ts"
import type { PodIdentityConfig } from "./schema.ts"

export interface PodIdentityDeps {
  readonly clock: Clock
  readonly log: Log
  readonly reviewer: TokenReviewer
  readonly reviewed: (result: ReviewResult) => void
}
export type ReviewResult = "good" | "bad" | "failed" | "busy"

/** How long an answer of the API server holds, ms; a pod that was deleted may send for so long. */
const GOOD_MS = 300_000
const BAD_MS = 30_000
/** Tokens that are remembered. An agent has one, and a new one every hour. */
const MOST_GOOD = 20_000
const MOST_BAD = 2000
/** Questions to the API server at one time. */
const MOST_ASKING = 16

interface Remembered {
  readonly verdict: Verdict
  readonly untilMs: number
}

/** Tokens of pods, which the API server that made them is asked about. Fails closed. */
export function podIdentityProof(config: PodIdentityConfig, deps: PodIdentityDeps): Proof {
  const good = new Memory(MOST_GOOD)
  const bad = new Memory(MOST_BAD)
  const asking = new Map<string, Promise<Verdict>>()
  const asker = new Asker(config, deps)
  return {
    async check(token) {
      // What the token says of itself proves nothing, but tells cheaply what cannot be good.
      const wrong = wrongClaim(token, config, deps.clock.now())
      if (wrong !== undefined) return { kind: "refused", message: wrong }
      const key = createHash("sha256").update(token).digest("base64")
      const now = deps.clock.monotonic()
      const known = good.find(key, now) ?? bad.find(key, now)
      if (known !== undefined) return known
      const under = asking.get(key)
      if (under !== undefined) return under
      if (asking.size >= MOST_ASKING) {
        deps.reviewed("busy")
        return { kind: "unsure", message: "Too many tokens are being looked at. Send again in a moment." }
      }
      const asked = asker.ask(token).finally(() => asking.delete(key))
      asking.set(key, asked)
      const verdict = await asked
      if (verdict.kind === "admitted") good.keep(key, verdict, deps.clock.monotonic() + GOOD_MS)
      else if (verdict.kind === "refused") bad.keep(key, verdict, deps.clock.monotonic() + BAD_MS)
      return verdict
    },
  }
}

/** One question to the API server; its failures are logged once each. */
class Asker {
  readonly #config: PodIdentityConfig
  readonly #deps: PodIdentityDeps
  #told = ""

  constructor(config: PodIdentityConfig, deps: PodIdentityDeps) {
    this.#config = config
    this.#deps = deps
  }

  async ask(token: string): Promise<Verdict> {
    const { audience } = this.#config
    const { reviewer, reviewed } = this.#deps
    try {
      const { authenticated, username } = await reviewer.review(token, audience, AbortSignal.timeout(15_000))
      this.#told = ""
      const verdict = this.#judge(authenticated, username)
      reviewed(verdict.kind === "admitted" ? "good" : "bad")
      return verdict
    } catch (error) {
      reviewed("failed")
      this.#tell(error)
      return {
        kind: "unsure",
        message:
          "The token cannot be looked at, since Kubernetes does not answer the collector. Its log says why.",
      }
    }
  }

  #judge(authenticated: boolean, username: string): Verdict {
    if (!authenticated)
      return {
        kind: "refused",
        message: `Kubernetes does not take this token as one for the audience ${this.#config.audience}.`,
      }
    const account = /^system:serviceaccount:([^:]+):([^:]+)$/.exec(username)
    const name = account === null ? username : `${account[1]}/${account[2]}`
    return this.#config.serviceAccounts.includes(name) ? ADMITTED : { kind: "refused", message: NOT_LISTED }
  }

  #tell(error: unknown): void {
    const { code, message } =
      error instanceof MeshscopeError ? error : { code: "KUBE_BAD_ANSWER", message: String(error) }
    if (message !== this.#told)
      this.#deps.log.warn(`Tokens of pods cannot be looked at, so none is taken: ${message}`, { code })
    this.#told = message
  }
}

const NOT_LISTED =
  "The service account of this token is not one of the setting intake.kubernetes.serviceAccounts."

/** Answers by digest of the token, the oldest leaving first. */
class Memory {
  readonly #most: number
  readonly #kept = new Map<string, Remembered>()

  constructor(most: number) {
    this.#most = most
  }

  find(key: string, now: number): Verdict | undefined {
    const known = this.#kept.get(key)
    if (known === undefined || known.untilMs > now) return known?.verdict
    this.#kept.delete(key)
    return undefined
  }

  keep(key: string, verdict: Verdict, untilMs: number): void {
    this.#kept.set(key, { verdict, untilMs })
    if (this.#kept.size <= this.#most) return
    for (const oldest of this.#kept.keys()) {
      this.#kept.delete(oldest)
      return
    }
  }
}

/** Why a token cannot be good, by its own words; undefined where it might be. */
function wrongClaim(
  token: string,
  { audience, serviceAccounts }: PodIdentityConfig,
  nowMs: number,
): string | undefined {
  const claims = claimsOf(token)
  if (claims === undefined) return "The bearer token is not a token of a Kubernetes service account."
  const { aud, sub, exp } = claims
  const audiences: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!audiences.includes(audience)) return `The token is not made for the audience ${audience}.`
  if (typeof exp === "number" && exp * 1000 < nowMs)
    return "The token has expired: read it from its file again before each request."
  const account =
    typeof sub === "string" ? sub.replace(/^system:serviceaccount:([^:]+):([^:]+)$/, "$1/$2") : ""
  return serviceAccounts.includes(account) ? undefined : NOT_LISTED
}

function claimsOf(token: string): Readonly<Record<"aud" | "sub" | "exp", unknown>> | undefined {
  const payload = /^[\w-]+\.([\w-]+)\.[\w-]+$/.exec(token)?.[1]
  if (payload === undefined) return undefined
  try {
    const claims: unknown = JSON.parse(Buffer.from(payload, "base64url").toString())
    if (!isObject(claims)) return undefined
    const own = (key: string): unknown => ownMember(claims, key)
    return { aud: own("aud"), sub: own("sub"), exp: own("exp") }
  } catch {
    return undefined
  }
}
