import { createHash } from "node:crypto"
import { createReadStream } from "node:fs"
import { pipeline } from "node:stream/promises"
import { MeshscopeError } from "#mesh/errors.ts"

/** sha256 of a file, in hexadecimal. */
async function sha256(path: string): Promise<string> {
  const hash = createHash("sha256")
  await pipeline(createReadStream(path), hash)
  return hash.digest("hex")
}

/** @throws MeshscopeError COMPONENT_MISSING when the file is not the one that was pinned */
export async function verify(path: string, expected: string): Promise<void> {
  const found = await sha256(path)
  if (found === expected) return
  throw new MeshscopeError(
    "COMPONENT_MISSING",
    `${path} is not the file that was pinned: sha256 is ${found}, expected ${expected}. Nothing of it was used.`,
  )
}
