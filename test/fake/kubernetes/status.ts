/** What the API server refuses, as its `Status` says it. */
export class Refusal extends Error {
  readonly code: number
  readonly reason: string
  readonly retryAfterSeconds: number | undefined
  readonly details: object | undefined

  constructor(
    code: number,
    reason: string,
    message: string,
    { retryAfterSeconds, details }: { retryAfterSeconds?: number; details?: object } = {},
  ) {
    super(message)
    this.code = code
    this.reason = reason
    this.retryAfterSeconds = retryAfterSeconds
    this.details = details
  }
}

/** The `Status` object of a refusal. */
export function statusOf({ code, reason, message, details }: Refusal): object {
  return {
    kind: "Status",
    apiVersion: "v1",
    metadata: {},
    status: "Failure",
    message,
    reason,
    ...(details === undefined ? {} : { details }),
    code,
  }
}

export const expired = (what: string): Refusal => new Refusal(410, "Expired", what)

/** In the words of Kubernetes' RBAC. */
export function forbidden(
  verb: string,
  { group, plural }: { readonly group: string; readonly plural: string },
  namespace: string | undefined,
): Refusal {
  const where = namespace === undefined ? "at the cluster scope" : `in the namespace "${namespace}"`
  const full = group === "" ? plural : `${plural}.${group}`
  const user = "system:serviceaccount:meshscope:agent"
  return new Refusal(
    403,
    "Forbidden",
    `${full} is forbidden: User "${user}" cannot ${verb} resource "${plural}" in API group "${group}" ${where}`,
    { details: { group, kind: plural } },
  )
}
