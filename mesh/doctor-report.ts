import type { Flavor } from "./resource.ts"

/**
 * How one thing is. `missing`: what is configured cannot work so. `warning`: it works, with less than it could.
 * `not_tried`: to try it would write to a receiver.
 */
export type CheckState = "ok" | "missing" | "warning" | "not_tried"

export const CHECK_AREAS = ["configuration", "kubernetes", "ecs", "proxies", "logs", "outputs"] as const
export type CheckArea = (typeof CHECK_AREAS)[number]

/** One thing that was looked at from inside. */
export interface Check {
  readonly area: CheckArea
  /** What it is about: a setting, a verb and a resource, a proxy, a file, a receiver. */
  readonly subject: string
  readonly state: CheckState
  /** What was found. */
  readonly sentence: string
  /** What to do about it; empty: nothing. */
  readonly todo: string
}

/** What a better log of one proxy would add. */
export interface LogAdvice {
  readonly proxy: string
  readonly flavor: Flavor | ""
  /** Words of `mesh_proxy_info{missing}`. */
  readonly missing: readonly string[]
}

/** What `meshscope doctor` found. */
export interface DoctorReport {
  /** Nothing that is configured is missing. */
  readonly ok: boolean
  readonly checks: readonly Check[]
  readonly logs: readonly LogAdvice[]
}
