import { fileUnreadable } from "#mesh/system-reason.ts"
import type { TlsConfig } from "./tls-schema.ts"

/**
 * The certificates as text. Call it before each request: certificates are replaced while we run.
 * @param readFile text of a file; rejects when it cannot be read
 * @throws MeshscopeError FILE_UNREADABLE, retryable
 */
export async function readTls(
  config: TlsConfig,
  readFile: (path: string) => Promise<string>,
): Promise<{ ca?: string; cert?: string; key?: string }> {
  const read = async (name: "ca" | "cert" | "key", what: string): Promise<Record<string, string>> => {
    const file = config[name]
    if (file === undefined) return {}
    try {
      return { [name]: await readFile(file) }
    } catch (cause) {
      throw fileUnreadable(what, file, cause, true)
    }
  }
  const parts = [
    read("ca", "The file with the authorities"),
    read("cert", "The certificate"),
    read("key", "The certificate's key"),
  ]
  return Object.assign({}, ...(await Promise.all(parts)))
}
