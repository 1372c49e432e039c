import { MeshscopeError } from "#mesh/errors.ts"
import { isObject, ownMember } from "#mesh/json-object.ts"
import type { KubeAccess } from "./access.ts"
import type { Asked } from "./asked.ts"
import { bodyOf } from "./body.ts"
import { badAnswer, parsed } from "./list.ts"
import { calledName } from "./refusal.ts"
import { makeTransport } from "./transport.ts"

/** What the API server says of a token. */
export interface ReviewedToken {
  /** It is good, and made for the audience that was asked for. */
  readonly authenticated: boolean
  /** `system:serviceaccount:<namespace>:<name>`; empty when it is not good. */
  readonly username: string
}

/** Asks an API server whether a token is good. The one thing that is not read, since a token must not stand in a path. */
export interface TokenReviewer {
  /** @throws MeshscopeError KUBE_UNREACHABLE, KUBE_REFUSED (the role lacks `create tokenreviews`), KUBE_BAD_ANSWER */
  review(token: string, audience: string, signal: AbortSignal): Promise<ReviewedToken>
}

const PATH = "/apis/authentication.k8s.io/v1/tokenreviews"
const ASKED: Asked = { verb: "create", what: "tokenreviews.authentication.k8s.io" }
const PATIENCE_MS = 10_000
const MOST_BYTES = 256 * 1024

export function makeTokenReviewer(access: KubeAccess): TokenReviewer {
  const transport = makeTransport(access)
  return {
    async review(token, audience, signal) {
      const posted = JSON.stringify({
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token, audiences: [audience] },
      })
      const patience = { headMs: PATIENCE_MS, idleMs: PATIENCE_MS }
      const answer = await transport.ask(PATH, ASKED, patience, signal, posted)
      if (answer.kind === "trouble") throw answer.error
      if (answer.kind !== "answer")
        throw new MeshscopeError("KUBE_BAD_ANSWER", `${calledName(access)} knows no reviews of tokens.`)
      const { body, whole } = await bodyOf(answer.response, MOST_BYTES).catch((error: unknown) => {
        throw transport.broken(error, ASKED).error
      })
      const status = whole ? member(parsed(body), "status") : undefined
      if (!isObject(status)) throw badAnswer(ASKED, "it holds no status").error
      return reviewed(status, audience)
    },
  }
}

/** A server that knows nothing of audiences leaves them out, and may have taken a token that is for somebody else. */
function reviewed(status: object, audience: string): ReviewedToken {
  const audiences = member(status, "audiences")
  const username = member(member(status, "user"), "username")
  const authenticated =
    member(status, "authenticated") === true && Array.isArray(audiences) && audiences.includes(audience)
  return authenticated && typeof username === "string"
    ? { authenticated, username }
    : { authenticated: false, username: "" }
}

function member(from: unknown, key: string): unknown {
  return isObject(from) ? ownMember(from, key) : undefined
}
