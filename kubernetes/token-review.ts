import type { KubeAccess } from "./access.ts"
import type { Asked } from "./asked.ts"
import { member, reviewStatus } from "./review.ts"
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

export function makeTokenReviewer(access: KubeAccess): TokenReviewer {
  const transport = makeTransport(access)
  return {
    async review(token, audience, signal) {
      const body = {
        apiVersion: "authentication.k8s.io/v1",
        kind: "TokenReview",
        spec: { token, audiences: [audience] },
      }
      return reviewed(
        await reviewStatus({ path: PATH, asked: ASKED, body }, transport, access, signal),
        audience,
      )
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
