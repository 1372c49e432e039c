import type { RouteRow } from "./route-row.ts"

/** The flags that more than half of a row's errors have; undefined where no flags have so many. */
export function mainFlag({ flagsTop, numbers }: Pick<RouteRow, "flagsTop" | "numbers">): string | undefined {
  const [top] = flagsTop
  return top !== undefined && top.count > numbers.errors / 2 ? top.flags : undefined
}
