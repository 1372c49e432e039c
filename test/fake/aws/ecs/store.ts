/** A container as DescribeTasks tells of it; as much as tests have a use for. */
export interface StoredContainer {
  readonly name: string
  readonly image: string
  readonly runtimeId?: string
  readonly lastStatus?: string
  readonly networkBindings?: readonly {
    readonly bindIP: string
    readonly containerPort: number
    readonly hostPort: number
    readonly protocol: string
  }[]
  readonly networkInterfaces?: readonly {
    readonly attachmentId: string
    readonly privateIpv4Address: string
  }[]
}

export interface StoredTask {
  readonly taskArn: string
  readonly clusterArn: string
  readonly containerInstanceArn?: string
  readonly taskDefinitionArn: string
  readonly lastStatus: string
  readonly desiredStatus: "RUNNING" | "STOPPED"
  readonly group: string
  readonly attachments: readonly {
    readonly id: string
    readonly type: string
    readonly status: string
    readonly details: readonly { readonly name: string; readonly value: string }[]
  }[]
  readonly containers: readonly StoredContainer[]
  readonly overrides: {
    readonly containerOverrides: readonly {
      readonly name: string
      readonly environment?: readonly { readonly name: string; readonly value: string }[]
    }[]
  }
}

export interface StoredDefinition {
  readonly taskDefinitionArn: string
  readonly family: string
  readonly revision: number
  readonly status: "ACTIVE" | "INACTIVE"
  readonly networkMode?: "awsvpc" | "bridge" | "host" | "none"
  readonly containerDefinitions: readonly {
    readonly name: string
    readonly image: string
    readonly environment: readonly { readonly name: string; readonly value: string }[]
    readonly dockerLabels?: Readonly<Record<string, string>>
    readonly logConfiguration?: { readonly logDriver: string }
  }[]
}

/** What the account has. */
export interface FakeEcs {
  /** Short names. */
  readonly clusters: Set<string>
  tasks: readonly StoredTask[]
  readonly definitions: Map<string, StoredDefinition>
}

export const makeStore = (): FakeEcs => ({ clusters: new Set(["yelb"]), tasks: [], definitions: new Map() })
