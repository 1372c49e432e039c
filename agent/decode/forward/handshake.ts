import { createHash, timingSafeEqual } from "node:crypto"
import { Pack, PackReader } from "./msgpack.ts"

/** Texts and binaries of ours in msgpack; all are below 64 KB. */
function packed(value: string | Buffer): Buffer {
  const bytes = Buffer.from(value)
  return Buffer.concat([Buffer.from([0xda, bytes.length >> 8, bytes.length & 255]), bytes])
}

const digest = (...parts: readonly (string | Buffer)[]): string => {
  const hash = createHash("sha512")
  for (const part of parts) hash.update(part)
  return hash.digest("hex")
}

/** `["HELO", {nonce, auth: "", keepalive: true}]`: the server speaks first. No users are asked for. */
export function helo(nonce: Buffer): Buffer {
  return Buffer.concat([
    Buffer.from([0x92]),
    packed("HELO"),
    Buffer.from([0x83]),
    packed("nonce"),
    packed(nonce),
    packed("auth"),
    packed(""),
    packed("keepalive"),
    Buffer.from([0xc3]),
  ])
}

export interface PongParts {
  readonly nonce: Buffer
  readonly sharedKey: string
  readonly hostName: string
}

/**
 * Answers `["PING", hostname, salt, sha512(salt hostname nonce key), user, password]` with
 * `["PONG", result, reason, hostname, sha512(salt hostname nonce key)]`.
 * @throws MeshscopeError INTAKE_MALFORMED
 */
export function pongTo(
  message: Buffer,
  { nonce, sharedKey, hostName }: PongParts,
): { readonly ok: boolean; readonly answer: Buffer } {
  const reader = new PackReader(message)
  const { kind, size } = reader.next()
  const isPing = kind === Pack.array && size === 6 && reader.text() === "PING"
  const host = isPing ? (reader.text() ?? "") : ""
  const salt = isPing ? bytesOf(reader) : Buffer.alloc(0)
  const told = isPing ? Buffer.from(reader.text() ?? "") : Buffer.alloc(0)
  const wanted = Buffer.from(digest(salt, host, nonce, sharedKey))
  const ok = isPing && told.length === wanted.length && timingSafeEqual(told, wanted)
  const answer = Buffer.concat([
    Buffer.from([0x95]),
    packed("PONG"),
    Buffer.from([ok ? 0xc3 : 0xc2]),
    packed(ok ? "" : "the shared key does not match"),
    packed(ok ? hostName : ""),
    packed(ok ? digest(salt, hostName, nonce, sharedKey) : ""),
  ])
  return { ok, answer }
}

function bytesOf(reader: PackReader): Buffer {
  const start = reader.at
  const { kind, body, size } = reader.next()
  if (kind === Pack.bytes) return reader.bytes.subarray(body, body + size)
  reader.at = start
  reader.skip()
  return Buffer.alloc(0)
}
