import type { DeclaredModel } from "./declared.ts"

/**
 * What a collector serves at `/model` and an agent keeps on disk: the declared model, and what was passed over while it
 * was read, one sentence each.
 */
export interface ModelDocument {
  /** Of the document's form; an agent refuses one that it does not know and goes on with what it has. */
  readonly version: 1
  readonly model: DeclaredModel
  readonly notes: readonly string[]
}
