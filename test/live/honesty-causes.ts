import { answered, unplaced } from "./honesty-answers.ts"
import type { Cause } from "./honesty-cause.ts"
import { connections } from "./honesty-connections.ts"
import { malformed, refused } from "./honesty-replies.ts"
import { broken, unreached } from "./honesty-upstreams.ts"

/** Every cause, in the order of the page. */
export const CAUSES: readonly Cause[] = [
  ...answered,
  ...unplaced,
  ...unreached,
  ...broken,
  ...refused,
  ...malformed,
  ...connections,
]
export const isTcp = (cause: Cause): cause is Extract<Cause, { tcp: unknown }> => "tcp" in cause
