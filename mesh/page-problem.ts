/** Why an admin page of a proxy could not be read: label `reason` of `mesh_proxy_problem`. */
export const PROBLEM_REASONS = [
  "unreachable", // no connection, or one that broke
  "refused", // the admin interface answers 403
  "busy", // 429: others ask it too
  "timeout", // no whole answer in time
  "too_large", // above the byte limit
  "bad_answer", // not HTTP, or not the page that was asked for
] as const
export type ProblemReason = (typeof PROBLEM_REASONS)[number]
