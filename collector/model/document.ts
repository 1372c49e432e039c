import { createHash } from "node:crypto"
import { promisify } from "node:util"
import { gzip } from "node:zlib"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import { modelText } from "#mesh/model-text.ts"

/** One state of the declared model as it is served. */
export interface ServedModel {
  /** Strong: the same for the same bytes, also after a restart and at another collector. */
  readonly etag: string
  readonly plain: Uint8Array<ArrayBuffer>
  /** Made when somebody first takes it. */
  zipped(): Promise<Uint8Array<ArrayBuffer>>
}

const compress = promisify(gzip)

export function servedModel(model: ParsedModel): ServedModel {
  const plain = new TextEncoder().encode(modelText(model))
  const digest = createHash("sha256").update(plain).digest("base64url")
  let zipping: Promise<Uint8Array<ArrayBuffer>> | undefined
  return {
    etag: `"${digest}"`,
    plain,
    zipped() {
      zipping ??= compress(plain).then((bytes) => Uint8Array.from(bytes))
      return zipping
    },
  }
}
