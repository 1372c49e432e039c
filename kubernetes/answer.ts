import type { IncomingMessage } from "node:http"
import type { MeshscopeError } from "#mesh/errors.ts"

/** Why a list or a watch came to its end. */
export type Ended =
  /** In order: the server's time for a watch was over. */
  | { readonly kind: "over" }
  /** The connection went away under a watch; what it told so far holds. */
  | { readonly kind: "cut" }
  /** The server does not remember the version that was asked for. */
  | { readonly kind: "expired" }
  /** The server does not know the kind. */
  | { readonly kind: "unknown" }
  | Trouble

export interface Trouble {
  readonly kind: "trouble"
  readonly error: MeshscopeError
  /** What the server asked to wait for at least. */
  readonly afterMs?: number
  /** What is known cannot be gone on from: list anew. */
  readonly anew?: boolean
  /** The answer was larger than what is read. */
  readonly tooLarge?: boolean
}

export interface Answered {
  readonly kind: "answer"
  /** Of a 200; its body is yet to be read. */
  readonly response: IncomingMessage
}
