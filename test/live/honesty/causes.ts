import { answered, unplaced } from "./answers.ts"
import type { Cause } from "./cause.ts"
import { connections } from "./connections.ts"
import { malformed, refused } from "./replies.ts"
import { broken, unreached } from "./upstreams.ts"

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
