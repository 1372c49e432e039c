/** Whether a condition holds. `MAYBE`: it rests on something that the log does not tell. */
export const NO = 0
export const MAYBE = 1
export const YES = 2
export type Tri = typeof NO | typeof MAYBE | typeof YES

export function triOf(holds: boolean | undefined): Tri {
  return holds === undefined ? MAYBE : holds ? YES : NO
}

export function not(tri: Tri): Tri {
  return tri === YES ? NO : tri === NO ? YES : MAYBE
}
