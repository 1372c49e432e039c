import type { DeclaredMesh, DeclaredModel } from "#mesh/declared.ts"

const KINDS = [
  ["virtualGateways", "virtual gateway"],
  ["virtualServices", "virtual service"],
  ["virtualRouters", "virtual router"],
  ["virtualNodes", "virtual node"],
] as const satisfies readonly (readonly [keyof DeclaredMesh, string])[]

/** `1 mesh, 1 virtual gateway, 4 virtual services, …` */
export function modelText({ meshes }: DeclaredModel): string {
  const kinds = KINDS.map(([key, name]) =>
    counted(
      meshes.reduce((sum, mesh) => sum + mesh[key].length, 0),
      name,
    ),
  )
  return [counted(meshes.length, "mesh", "meshes"), ...kinds].join(", ")
}

export function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`
}
