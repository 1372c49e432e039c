import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import { MeshscopeError } from "#mesh/errors.ts"

export interface BodyLimits {
  /** As sent. */
  readonly maxBodyBytes: number
  /** After decompression. */
  readonly maxInflatedBytes: number
}

const unzip = promisify(gunzip)

/**
 * The whole body of a request, inflated. Stops reading at the limit, whatever the length header claims.
 * Throws INTAKE_TOO_LARGE or INTAKE_MALFORMED.
 */
export async function readBody(
  stream: ReadableStream<Uint8Array> | null,
  encoding: string,
  limits: BodyLimits,
): Promise<Buffer> {
  const chunks: Uint8Array[] = []
  let size = 0
  if (stream !== null)
    for await (const chunk of stream) {
      size += chunk.length
      if (size > limits.maxBodyBytes) throw tooLarge(limits.maxBodyBytes, "as sent")
      chunks.push(chunk)
    }
  const body = Buffer.concat(chunks, size)
  return encoding === "gzip" ? inflate(body, limits.maxInflatedBytes) : body
}

async function inflate(body: Buffer, maxBytes: number): Promise<Buffer> {
  try {
    return await unzip(body, { maxOutputLength: maxBytes })
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(maxBytes, "after decompression")
    throw new MeshscopeError("INTAKE_MALFORMED", "OTLP body: not valid gzip", { cause: error })
  }
}

function tooLarge(bytes: number, when: string): MeshscopeError {
  return new MeshscopeError("INTAKE_TOO_LARGE", `The body is larger than ${bytes} bytes ${when}.`)
}
