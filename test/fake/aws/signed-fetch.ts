import { createHash, createHmac, type Hash, type Hmac } from "node:crypto"
import { SignatureV4 } from "@smithy/signature-v4"
import type { Endpoint } from "./clients.ts"

/** The hash that SignatureV4 wants, by Node's own. */
class Sha256 {
  readonly #hash: Hash | Hmac
  constructor(secret?: string | ArrayBuffer | ArrayBufferView) {
    if (secret === undefined) this.#hash = createHash("sha256")
    else this.#hash = createHmac("sha256", typeof secret === "string" ? secret : bytesOf(secret))
  }
  update(data: Uint8Array): void {
    this.#hash.update(data)
  }
  digest(): Promise<Uint8Array> {
    return Promise.resolve(this.#hash.digest())
  }
  reset(): void {
    throw new Error("A hash is used once.")
  }
}

const bytesOf = (data: ArrayBuffer | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(data)
    ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
    : new Uint8Array(data)

export interface SignedPost {
  readonly service: string
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body: string | Uint8Array<ArrayBuffer>
  /** When it is signed; default now. */
  readonly at?: Date
}

/** What SignatureV4 of the SDK adds to a POST: for APIs that have no client. */
export async function signedHeaders(to: Endpoint, post: SignedPost): Promise<Record<string, string>> {
  const { host, hostname, port } = new URL(to.url)
  const { region, credentials } = to
  const signer = new SignatureV4({ service: post.service, region, credentials, sha256: Sha256 })
  const { headers } = await signer.sign(
    {
      method: "POST",
      protocol: "http:",
      hostname,
      port: Number(port),
      path: post.path,
      query: {},
      headers: { ...post.headers, host },
      body: post.body,
    },
    { signingDate: post.at ?? new Date() },
  )
  return headers
}

/** A signed POST. */
export async function signedFetch(to: Endpoint, post: SignedPost): Promise<Response> {
  const { host: _host, ...headers } = await signedHeaders(to, post)
  return fetch(`${to.url}${post.path}`, { method: "POST", headers, body: post.body })
}
