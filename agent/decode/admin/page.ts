import { MeshscopeError } from "#mesh/errors.ts"

/**
 * A page's JSON.
 * @throws MeshscopeError ADMIN_BAD_ANSWER, naming the page
 */
export function pageJson(bytes: Buffer, page: string): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"))
  } catch (cause) {
    throw new MeshscopeError("ADMIN_BAD_ANSWER", `The page ${page} is not JSON.`, { cause })
  }
}
