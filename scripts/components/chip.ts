import { MeshscopeError } from "#mesh/errors.ts"
import type { Chip } from "./source.ts"

/** This machine's processor. @throws MeshscopeError COMPONENT_MISSING on one that nothing is kept for */
export function chip(): Chip {
  if (process.arch === "x64" || process.arch === "arm64") return process.arch
  throw new MeshscopeError(
    "COMPONENT_MISSING",
    `There is no build for ${process.arch}, only for x64 and arm64.`,
  )
}
