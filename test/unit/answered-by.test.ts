import { expect, test } from "vitest"
import { flagBits } from "#mesh/flags.ts"
import { type AnsweredBy, answeredBy } from "#mesh/outcome.ts"

/** Code, flags, what Envoy's details say of such an answer (docs/honesty.md), and what can be told without them. */
test.each<[number, string, string, AnsweredBy, AnsweredBy]>([
  [200, "-", "via_upstream", "app", "app"],
  [500, "-", "via_upstream", "app", "unknown"],
  [403, "-", "rbac_access_denied_matched_policy[none]", "proxy", "unknown"],
  [504, "-", "max_duration_timeout", "proxy", "unknown"],
  [503, "URX", "via_upstream", "app", "app"],
  [503, "URX,UF", "upstream_reset_before_response_started{remote_connection_failure}", "proxy", "proxy"],
  [504, "URX,UT", "upstream_per_try_timeout", "proxy", "proxy"],
  [200, "UPE", "upstream_reset_after_response_started{protocol_error}", "app", "unknown"],
  [500, "UC", "upstream_reset_after_response_started{connection_termination}", "app", "unknown"],
  [200, "UC", "upstream_reset_before_response_started{connection_termination}", "proxy", "unknown"],
  [503, "UC", "upstream_reset_before_response_started{connection_termination}", "proxy", "proxy"],
  [502, "UPE", "upstream_reset_before_response_started{protocol_error}", "proxy", "proxy"],
  [500, "DI", "via_upstream", "app", "unknown"],
  [500, "RLSE", "via_upstream", "app", "unknown"],
  [500, "ZZ", "via_upstream", "app", "unknown"],
  [404, "NR", "route_not_found", "proxy", "proxy"],
  [503, "UH", "no_healthy_upstream", "proxy", "proxy"],
  [0, "DC", "downstream_remote_disconnect", "proxy", "proxy"],
  [0, "-", "", "proxy", "unknown"],
])("%d %s %s: %s, without details %s", (code, flags, details, told, without) => {
  expect(answeredBy(details, flagBits(flags), code)).toBe(told)
  expect(answeredBy(undefined, flagBits(flags), code)).toBe(without)
})
