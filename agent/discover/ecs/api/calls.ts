/**
 * The three calls of the ECS API that discovery makes. Answers are not looked at yet. Each rejects with a MeshscopeError
 * that names the call: ECS_REFUSED where the role or the request is at fault, else ECS_UNREACHABLE (retryable).
 */
export interface EcsCalls {
  listTasks(
    ask: {
      readonly cluster: string
      readonly containerInstance: string
      readonly maxResults?: number
      readonly nextToken?: string
    },
    signal: AbortSignal,
  ): Promise<unknown>
  /** @param ask at most 100 tasks */
  describeTasks(
    ask: { readonly cluster: string; readonly tasks: readonly string[] },
    signal: AbortSignal,
  ): Promise<unknown>
  describeTaskDefinition(ask: { readonly taskDefinition: string }, signal: AbortSignal): Promise<unknown>
  stop(): Promise<void>
}
