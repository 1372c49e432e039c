import { type ErrorCode, MeshscopeError } from "#mesh/errors.ts"

/**
 * The body of an answer as text.
 * @throws MeshscopeError `code` when it is longer than `mostMib`
 */
export async function limitedText(response: Response, mostMib: number, code: ErrorCode): Promise<string> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.byteLength
    if (bytes > mostMib * 1024 ** 2)
      throw new MeshscopeError(code, `${response.url} answered more than ${mostMib} MiB.`)
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString("utf8")
}
