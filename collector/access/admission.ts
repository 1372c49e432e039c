import { createHash, timingSafeEqual } from "node:crypto"

/** `refused`: who asks is not known (401). `unsure`: nobody could tell just now (503). Messages are for the sender. */
export type Verdict =
  | { readonly kind: "admitted" }
  | { readonly kind: "refused" | "unsure"; readonly message: string }

/** Who may send, and read the declared model. */
export interface Admission {
  /** @param authorization the request's header */
  check(authorization: string | undefined): Promise<Verdict>
}

/** One way to prove who one is. */
export interface Proof {
  check(token: string): Promise<Verdict>
}

export const ADMITTED: Verdict = { kind: "admitted" }

/** Projected tokens have about 1 KB. */
const MOST_TOKEN = 16_384

/** One good proof is enough. No proof asked for: everybody is admitted. */
export function admission(proofs: readonly Proof[]): Admission {
  return {
    async check(authorization) {
      if (proofs.length === 0) return ADMITTED
      const token = /^Bearer +([\u0021-\u007E]+)$/i.exec(authorization ?? "")?.[1]
      if (token === undefined || token.length > MOST_TOKEN)
        return { kind: "refused", message: "A bearer token is needed." }
      let worst: Verdict = { kind: "refused", message: "The bearer token is not good here." }
      for (const proof of proofs) {
        const verdict = await proof.check(token)
        if (verdict.kind === "admitted") return verdict
        if (worst.kind !== "unsure") worst = verdict
      }
      return worst
    },
  }
}

const digest = (text: string): Buffer => createHash("sha256").update(text).digest()

/** In constant time: digests have one length, whatever was sent. */
export function sameText(one: string, other: string): boolean {
  return timingSafeEqual(digest(one), digest(other))
}
