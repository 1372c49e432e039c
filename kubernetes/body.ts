import type { IncomingMessage } from "node:http"

/** The bytes of an answer up to a limit. Rejects when the connection breaks. */
export async function bodyOf(
  response: IncomingMessage,
  maxBytes: number,
): Promise<{ readonly body: Buffer; readonly whole: boolean }> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of response) {
    if (!Buffer.isBuffer(chunk)) continue
    chunks.push(chunk)
    bytes += chunk.length
    if (bytes > maxBytes) return { body: Buffer.concat(chunks).subarray(0, maxBytes), whole: false }
  }
  return { body: Buffer.concat(chunks), whole: true }
}
