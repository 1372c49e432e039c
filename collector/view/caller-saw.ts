import type { Reporter } from "#mesh/resource.ts"

/**
 * Whether a row is what a caller saw of the node that it called. App Mesh's gateway sends each request to itself first,
 * so that its gateway row tells no node and a source row follows. Every other gateway sends it to a node at once: its
 * gateway row is the only one.
 */
export function callerSaw(reporter: Reporter, { flavor }: { readonly flavor: string }): boolean {
  return reporter === "source" || (reporter === "gateway" && flavor !== "app-mesh")
}
