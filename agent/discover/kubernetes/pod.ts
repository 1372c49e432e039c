import { isIP } from "node:net"
import { isObject, type JsonObject, ownMember } from "#mesh/json-object.ts"

/** What a pod tells about itself, as far as recognising Envoys needs it. */
export interface PodFacts {
  readonly namespace: string
  readonly name: string
  /** Names its folder of logs: the uid, for a static pod the hash of its manifest. */
  readonly logUid: string
  readonly uid: string
  /** Empty until it is scheduled. */
  readonly node: string
  readonly created: string
  readonly labels: ReadonlyMap<string, string>
  readonly annotations: ReadonlyMap<string, string>
  /** Its containers ended for good. */
  readonly finished: boolean
  readonly deleting: boolean
  /** In Kubernetes' order: the family that the cluster prefers comes first. */
  readonly addresses: readonly string[]
  /** Who made it, a ReplicaSet of a Deployment being that Deployment. */
  readonly owner: { readonly kind: string; readonly name: string } | undefined
  /** Those that live as long as the pod: native sidecars first. */
  readonly containers: readonly ContainerFacts[]
}

export interface ContainerFacts {
  readonly name: string
  /** Undefined: its value comes from elsewhere. */
  readonly env: ReadonlyMap<string, string | undefined>
  readonly ports: readonly { readonly name: string; readonly port: number }[]
  readonly args: readonly string[]
  /** How often it was started again; names its log file. */
  readonly restarts: number
}

/** The kubelet's mark of a static pod in the API: the uid by which the kubelet itself knows it. */
const MIRROR = "kubernetes.io/config.mirror"
const FINISHED: ReadonlySet<string> = new Set(["Succeeded", "Failed"])

/** Reads a pod as the API server or the kubelet tells of it; what is missing or of a wrong type is empty. */
export function podFacts(pod: JsonObject): PodFacts {
  const [metadata, spec, status] = ["metadata", "spec", "status"].map((key) => part(pod, key))
  const uid = text(metadata, "uid")
  const labels = texts(metadata, "labels")
  const annotations = texts(metadata, "annotations")
  return {
    namespace: text(metadata, "namespace"),
    name: text(metadata, "name"),
    uid,
    logUid: annotations.get(MIRROR) ?? uid,
    node: text(spec, "nodeName"),
    created: text(metadata, "creationTimestamp"),
    labels,
    annotations,
    finished: FINISHED.has(text(status, "phase")),
    deleting: text(metadata, "deletionTimestamp") !== "",
    addresses: addressesOf(status),
    owner: ownerOf(metadata, labels),
    containers: containersOf(spec, status),
  }
}

function addressesOf(status: JsonObject | undefined): string[] {
  const all = [text(status, "podIP"), ...list(status, "podIPs").map((one) => text(one, "ip"))]
  return [...new Set(all.filter((address) => isIP(address) !== 0))]
}

function ownerOf(metadata: JsonObject | undefined, labels: PodFacts["labels"]): PodFacts["owner"] {
  const owner = list(metadata, "ownerReferences").find((one) => ownMember(one, "controller") === true)
  const [kind, name] = [text(owner, "kind"), text(owner, "name")]
  if (kind === "" || name === "") return undefined
  const hash = `-${labels.get("pod-template-hash") ?? ""}`
  return kind === "ReplicaSet" && hash !== "-" && name.endsWith(hash) && name !== hash
    ? { kind: "Deployment", name: name.slice(0, -hash.length) }
    : { kind, name }
}

/** A native sidecar is an init container that stays (Kubernetes 1.29). */
function containersOf(spec: JsonObject | undefined, status: JsonObject | undefined): ContainerFacts[] {
  const restarts = new Map(
    [...list(status, "initContainerStatuses"), ...list(status, "containerStatuses")].map((one) => [
      text(one, "name"),
      whole(one, "restartCount"),
    ]),
  )
  const native = list(spec, "initContainers").filter((one) => text(one, "restartPolicy") === "Always")
  return [...native, ...list(spec, "containers")].map((container) => {
    const name = text(container, "name")
    return {
      name,
      env: new Map(
        list(container, "env").map((one) => [
          text(one, "name"),
          ownMember(one, "valueFrom") === undefined ? text(one, "value") : undefined,
        ]),
      ),
      ports: list(container, "ports").map((one) => ({
        name: text(one, "name"),
        port: whole(one, "containerPort"),
      })),
      args: [...strings(container, "command"), ...strings(container, "args")],
      restarts: restarts.get(name) ?? 0,
    }
  })
}

function part(object: JsonObject | undefined, key: string): JsonObject | undefined {
  const value = ownMember(object, key)
  return isObject(value) ? value : undefined
}

function text(object: JsonObject | undefined, key: string): string {
  const value = ownMember(object, key)
  return typeof value === "string" ? value : ""
}

function whole(object: JsonObject, key: string): number {
  const value = ownMember(object, key)
  return typeof value === "number" && Number.isSafeInteger(value) && value >= 0 ? value : 0
}

function list(object: JsonObject | undefined, key: string): JsonObject[] {
  const value = ownMember(object, key)
  return Array.isArray(value) ? value.filter(isObject) : []
}

function strings(object: JsonObject, key: string): string[] {
  const value: unknown = ownMember(object, key)
  return Array.isArray(value) ? value.filter((one): one is string => typeof one === "string") : []
}

function texts(object: JsonObject | undefined, key: string): ReadonlyMap<string, string> {
  const entries = Object.entries(part(object, key) ?? {})
  return new Map(
    entries.flatMap(([name, value]) => (typeof value === "string" ? [[name, value] as const] : [])),
  )
}
