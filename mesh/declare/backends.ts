import { type KubeObject, type KubeObjects, nameOf } from "./kube-objects.ts"
import { readEach } from "./reading.ts"
import { at, listAt, neededText, type Spot, textAt } from "./spot.ts"

/** More services than a node can have backends for by far: App Mesh's own quota is 50, and groups multiply. */
const MOST_BACKENDS = 1000

/**
 * The backends of the nodes of one mesh: named ones, then those of its backend groups; a group named `*` stands for
 * every service of the mesh in the namespace. Each group is read once.
 */
export function makeBackends(
  objects: KubeObjects,
  services: readonly KubeObject[],
): (node: KubeObject) => readonly string[] {
  const groups = new Map<string, readonly string[]>()
  const group = (node: KubeObject, spot: Spot): readonly string[] => {
    const namespace = textAt(spot, "namespace") ?? node.namespace
    const name = neededText(spot, "name")
    const key = `${namespace}/${name}`
    const known =
      groups.get(key) ??
      cut(objects, `BackendGroup ${key}`, [...new Set(groupServices(objects, services, namespace, name))])
    groups.set(key, known)
    return known
  }
  return (node) => {
    const names = new Set(ownBackends(objects, node))
    // Nodes of one group share one list, however many they are.
    const [only, ...more] = listAt(node.spec, "backendGroups")
    if (only !== undefined && more.length === 0 && names.size === 0) return group(node, only)
    for (const spot of listAt(node.spec, "backendGroups")) {
      for (const name of group(node, spot)) names.add(name)
    }
    return cut(objects, nameOf(node), [...names])
  }
}

function cut(objects: KubeObjects, what: string, names: readonly string[]): readonly string[] {
  if (names.length <= MOST_BACKENDS) return names
  objects.reading.notes.add(`${what}: only ${MOST_BACKENDS} of ${names.length} backends are kept`)
  return names.slice(0, MOST_BACKENDS)
}

function ownBackends(objects: KubeObjects, node: KubeObject): string[] {
  const references = objects.references(node.namespace)
  return readEach(objects.reading, listAt(node.spec, "backends"), (backend) =>
    references.virtualService(at(backend, "virtualService")),
  )
}

function groupServices(
  objects: KubeObjects,
  services: readonly KubeObject[],
  namespace: string,
  name: string,
): string[] {
  if (name === "*")
    return services.filter((service) => service.namespace === namespace).map((service) => service.awsName)
  const group = objects.find("BackendGroup", namespace, name)
  if (group === undefined) {
    objects.reading.notes.add(
      `BackendGroup ${namespace}/${name} is referred to but not declared; its services are not known`,
    )
    return []
  }
  return readEach(objects.reading, listAt(group.spec, "virtualservices"), (service) =>
    objects.awsNameOf(
      "VirtualService",
      textAt(service, "namespace") ?? namespace,
      neededText(service, "name"),
    ),
  )
}
