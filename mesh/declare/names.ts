import { invalid, type Spot } from "./spot.ts"

/** How a source of declarations (Kubernetes objects, API answers) names other resources inside a specification. */
export interface References {
  /** `where` is the object that holds the reference: `virtualNodeRef`, `virtualNodeARN` or `virtualNode`. */
  virtualNode(where: Spot): string
  virtualService(where: Spot): string
  virtualRouter(where: Spot): string
}

/** What an ARN of App Mesh tells: `arn:aws:appmesh:<region>:<account>:mesh/<m>[@owner]/virtualNode/<n>`. */
export interface MeshArn {
  readonly account: string
  readonly mesh: string
  /** Last kind in the path, as the ARN writes it: `mesh`, `virtualNode`, `route`… */
  readonly kind: string
  readonly name: string
  /** The name before: the router of a route, the gateway of a gateway route. */
  readonly parent: string | undefined
}

/** Reads an ARN or its short form (`mesh/<m>/virtualNode/<n>`). Undefined when it is neither. Names may hold dots, not slashes. */
export function readArn(text: string): MeshArn | undefined {
  const arn = /^arn:[^:]*:appmesh[^:]*:[^:]*:([^:]*):(.+)$/.exec(text)
  const parts = (arn?.[2] ?? text).split("/")
  if (parts[0] !== "mesh" || parts.length < 2 || parts.length % 2 !== 0 || parts.includes(""))
    return undefined
  const mesh = (parts[1] ?? "").split("@")[0] ?? ""
  const last = parts.length - 1
  return {
    account: arn?.[1] ?? "",
    mesh,
    kind: parts[last - 1] ?? "",
    name: last === 1 ? mesh : (parts[last] ?? ""),
    parent: last > 3 ? parts[last - 2] : undefined,
  }
}

/** A name as given, or the name at the end of an ARN of that kind. */
export function nameOrArn(text: string, kind: string, spot: Spot): string {
  if (!text.startsWith("arn:")) return text
  const arn = readArn(text)
  if (arn === undefined || arn.kind !== kind) throw invalid(spot, `is not the ARN of a ${kind}: ${text}`)
  return arn.name
}
