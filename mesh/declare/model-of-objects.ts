import { type IstioOptions, istioMeshes } from "./istio/mesh.ts"
import type { KubeObjects } from "./kube-objects.ts"
import { appMeshes } from "./kubernetes.ts"
import { mergeModels } from "./merge.ts"
import type { ParsedModel } from "./parsed.ts"

/** All meshes that Kubernetes objects declare. Where App Mesh and Istio use one name, App Mesh has it. */
export function modelOfObjects(objects: KubeObjects, options: IstioOptions): ParsedModel {
  const parts = [appMeshes(objects), istioMeshes(objects, options)].map((meshes) => ({ meshes }))
  const model = mergeModels(parts, objects.reading)
  return { model, notes: objects.notes() }
}
