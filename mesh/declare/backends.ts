import { type KubeObject, type KubeObjects, nameOf } from "./kube-objects.ts"
import { readEach } from "./reading.ts"
import { at, listAt, neededText, textAt } from "./spot.ts"

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
  const group = (namespace: string, name: string): readonly string[] => {
    const key = `${namespace}/${name}`
    const known = groups.get(key) ?? groupServices(objects, services, namespace, name)
    groups.set(key, known)
    return known
  }
  return (node) => {
    const names = new Set(ownBackends(objects, node))
    for (const spot of listAt(node.spec, "backendGroups")) {
      const namespace = textAt(spot, "namespace") ?? node.namespace
      for (const name of group(namespace, neededText(spot, "name"))) names.add(name)
    }
    if (names.size <= MOST_BACKENDS) return [...names]
    objects.reading.notes.add(
      `${nameOf(node)}: spec.backendGroups: only ${MOST_BACKENDS} of ${names.size} backends are kept`,
    )
    return [...names].slice(0, MOST_BACKENDS)
  }
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
