import type { DeclaredModel } from "../declared.ts"

/** A model read from text, and what the reader passed over or took for granted, one sentence each. */
export interface ParsedModel {
  readonly model: DeclaredModel
  readonly notes: string[]
}
