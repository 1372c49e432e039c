import { stringify } from "yaml"

/** One entry of the agent's static discovery. */
export interface Target {
  readonly name: string
  /** `host:port` of Envoy's admin interface. */
  readonly admin: string
  readonly logs: readonly string[]
}

export function targetsYaml(targets: readonly Target[]): string {
  return stringify({ targets })
}
