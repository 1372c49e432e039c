import { field, list, text } from "../config-dump/json.ts"
import { pageJson } from "./page.ts"

export interface Certificate {
  /** Path of its file, else its first alternative name, else its serial number. */
  readonly name: string
  /** Seconds since epoch. */
  readonly expiresAt: number
}

/** More than any proxy holds; what is above is not read. */
const MOST = 1000

/**
 * Leaf certificates of `/certs`, each once. One without a readable time is left out.
 * @throws MeshscopeError ADMIN_BAD_ANSWER
 */
export function decodeCertificates(bytes: Buffer): readonly Certificate[] {
  const found = new Map<string, number>()
  for (const entry of list(field(pageJson(bytes, "/certs"), "certificates"))) {
    for (const leaf of list(field(entry, "cert_chain"))) {
      const expiresAt = Date.parse(text(field(leaf, "expiration_time"))) / 1000
      if (!Number.isFinite(expiresAt) || found.size >= MOST) continue
      const name = nameOf(leaf)
      found.set(name, Math.min(expiresAt, found.get(name) ?? Number.POSITIVE_INFINITY))
    }
  }
  return [...found].map(([name, expiresAt]) => ({ name, expiresAt }))
}

function nameOf(leaf: unknown): string {
  const path = text(field(leaf, "path"))
  if (path !== "" && path !== "<inline>") return path
  const [alternative] = list(field(leaf, "subject_alt_names"))
  return (
    text(field(alternative, "dns")) || text(field(alternative, "uri")) || text(field(leaf, "serial_number"))
  )
}
