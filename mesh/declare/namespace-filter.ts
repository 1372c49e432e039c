import type { LiveObject } from "./live-object.ts"

/** Namespaces that are read: those of `only`, or all, without those of `except`. */
export interface NamespaceFilter {
  readonly only?: readonly string[]
  readonly except?: readonly string[]
}

/** Objects of the namespaces that a filter lets in. What belongs to no namespace stays, but for Namespaces themselves. */
export function inNamespaces<T extends LiveObject>(objects: Iterable<T>, filter: NamespaceFilter): T[] {
  const only = filter.only === undefined || filter.only.length === 0 ? undefined : new Set(filter.only)
  const except = new Set(filter.except)
  return [...objects].filter((object) => {
    const { kind, metadata } = object
    const namespace = kind === "Namespace" ? metadata.name : metadata.namespace
    if (namespace === undefined || namespace === "") return true
    return !except.has(namespace) && (only === undefined || only.has(namespace))
  })
}
