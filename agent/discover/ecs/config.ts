/** `discover.ecs` of the configuration: paths absolute, durations ms. */
export interface EcsDiscoveryConfig extends EnvoyRules {
  readonly interval: number
  /** For one whole answer. */
  readonly timeout: number
  /** Address of the ECS agent's introspection, without a slash at its end; absent where nobody asks it. */
  readonly introspection?: string | undefined
  readonly logs: EcsLogs
  readonly docker?: { readonly socket: string } | undefined
  readonly api?: EcsApiConfig | undefined
  readonly serviceConnect?: ServiceConnectConfig | undefined
  readonly task?: { readonly metadata: string } | undefined
}

/** The ECS API. Where the agent's instance is, is told by the ECS agent, else by one of the two ways here. */
export interface EcsApiConfig {
  readonly interval: number
  /** The task metadata endpoint of the agent's own task. */
  readonly metadata?: string | undefined
  /** Both or none. */
  readonly cluster?: string | undefined
  readonly containerInstance?: string | undefined
}

/** Which containers are Envoys, and where they are asked. */
export interface EnvoyRules {
  /** Last parts of image names, without tag. */
  readonly images: readonly string[]
  readonly containers: readonly string[]
  readonly adminPort: number
  /** Where ports of this host are reached by this agent. */
  readonly host: string
}

/** Where the output of Envoys goes. */
export type EcsLogs =
  | { readonly from: "none" }
  | { readonly from: "forward" }
  /** `<root>/<container id>/<container id>-json.log`: Docker's own, or the volume of a managed daemon. */
  | { readonly from: "json-file" | "log-driver-volume"; readonly root: string }
  /** A file of the task's own, with `{task_id}` and `{container_name}`. */
  | { readonly from: "shared-volume"; readonly file: string }

export interface ServiceConnectConfig {
  readonly root: string
  readonly logs: string
}
