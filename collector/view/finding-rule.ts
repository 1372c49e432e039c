import { HEALTH_RULES } from "#mesh/health.ts"
import type { Board } from "./board.ts"
import type { Finding, RouteDetailView } from "./route-detail.ts"
import type { RouteReading } from "./route-reading.ts"

export type Detail = Omit<RouteDetailView, "findings">

/** One way to prove a cause. Gives nothing where the numbers do not. */
export type Rule = (board: Board, detail: Detail, route: RouteReading) => Finding[]

/** Nearly all, where a few others are the noise of any day. */
export const MOST = 0.95

/** Too few errors prove nothing. */
export const enough = (detail: Detail): boolean => detail.now.errors >= HEALTH_RULES.minimumErrors
