import type { KubeAccess } from "./access.ts"
import type { Asked } from "./asked.ts"
import { member, reviewStatus } from "./review.ts"
import { makeTransport } from "./transport.ts"

/** One right: a verb on one kind, in a namespace or in the whole cluster. */
export interface Right {
  readonly verb: string
  /** Empty: the core group. */
  readonly group: string
  readonly plural: string
  readonly namespace?: string | undefined
}

/** Asks an API server whether we have a right. Everybody who is known to it may ask. */
export interface AccessReviewer {
  /** @throws MeshscopeError KUBE_UNREACHABLE, KUBE_REFUSED, KUBE_BAD_ANSWER */
  allowed(right: Right, signal: AbortSignal): Promise<boolean>
}

const PATH = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
const ASKED: Asked = { verb: "create", what: "selfsubjectaccessreviews.authorization.k8s.io" }

export function makeAccessReviewer(access: KubeAccess): AccessReviewer {
  const transport = makeTransport(access)
  return {
    async allowed({ verb, group, plural, namespace }, signal) {
      const resourceAttributes = {
        verb,
        group,
        resource: plural,
        ...(namespace === undefined ? {} : { namespace }),
      }
      const body = {
        apiVersion: "authorization.k8s.io/v1",
        kind: "SelfSubjectAccessReview",
        spec: { resourceAttributes },
      }
      return (
        member(
          await reviewStatus({ path: PATH, asked: ASKED, body }, transport, access, signal),
          "allowed",
        ) === true
      )
    },
  }
}
