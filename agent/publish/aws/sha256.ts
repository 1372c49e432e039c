import { createHash, createHmac, type Hash, type Hmac } from "node:crypto"

type Bytes = string | ArrayBuffer | ArrayBufferView

/** SHA-256 and its HMAC as the signer calls them. */
export class Sha256 {
  readonly #secret: Bytes | undefined
  #hash: Hash | Hmac
  constructor(secret?: Bytes) {
    this.#secret = secret
    this.#hash = begun(secret)
  }
  update(data: Bytes): void {
    this.#hash.update(viewOf(data))
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }
  reset(): void {
    this.#hash = begun(this.#secret)
  }
}

function begun(secret: Bytes | undefined): Hash | Hmac {
  return secret === undefined ? createHash("sha256") : createHmac("sha256", viewOf(secret))
}

function viewOf(data: Bytes): string | NodeJS.ArrayBufferView {
  if (typeof data === "string") return data
  return ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)
}
