import type { ProxyTarget } from "#mesh/proxy.ts"

/** A proxy whose output may be sent here. */
export interface SentProxy {
  readonly target: Pick<ProxyTarget, "sent" | "labels">
}

/** Whose output a record is, as its log driver or router tells it; empty: it does not tell. */
export interface ContainerNames {
  readonly id: string
  readonly name: string
  readonly taskArn: string
}

/** Docker's short form of an id. */
const SHORT = 12

/**
 * Whose output it is: by the container's id (label `container_id`, either one may be the short form), else by the names of
 * its task and of itself (labels `task_arn` and `container_name`). Never guessed.
 */
export function containerOwner<Proxy extends SentProxy>(
  proxies: Iterable<Proxy>,
  names: ContainerNames,
): Proxy | "unknown_container" | "ambiguous" {
  let found: Proxy | undefined
  for (const proxy of proxies) {
    if (proxy.target.sent !== true || !isOf(proxy.target.labels ?? {}, names)) continue
    if (found !== undefined) return "ambiguous"
    found = proxy
  }
  return found ?? "unknown_container"
}

function isOf(labels: Readonly<Record<string, string>>, { id, name, taskArn }: ContainerNames): boolean {
  const { container_id: ownId = "", task_arn: ownTask = "", container_name: ownName = "" } = labels
  if (ownId !== "" && id !== "") return sameId(ownId, id)
  return ownTask !== "" && ownTask === taskArn && ownName !== "" && ownName === name.replace(/^\//, "")
}

const sameId = (a: string, b: string): boolean =>
  a === b || (a.length >= SHORT && b.startsWith(a)) || (b.length >= SHORT && a.startsWith(b))
