import { resolve } from "node:path"
import { socketAddressText } from "./address.ts"
import { MeshscopeError } from "./errors.ts"
import type { SocketAddress } from "./proxy.ts"

/** What the system's error codes mean for a user (errno(3)); each ends a sentence. */
const FILE_REASONS: ReadonlyMap<string, string> = new Map([
  ["ENOENT", "it does not exist"],
  ["EACCES", "this user has no permission"],
  ["EPERM", "this user has no permission"],
  ["EISDIR", "it is a folder, not a file"],
  ["ENOTDIR", "a part of its path is a file, not a folder"],
  ["EEXIST", "a file is in its place"],
  ["ELOOP", "its symbolic links go in a circle"],
  ["ENAMETOOLONG", "its name is too long"],
  ["EROFS", "its disk can only be read"],
  ["ENOSPC", "its disk is full"],
  ["EDQUOT", "its disk quota is used up"],
  ["EIO", "its disk fails"],
  ["EMFILE", "this process has too many files open"],
  ["ENFILE", "this host has too many files open"],
])
const LISTEN_REASONS: ReadonlyMap<string, string> = new Map([
  ["EADDRINUSE", "another program listens there"],
  ["EADDRNOTAVAIL", "this host has no such address"],
  ["EACCES", "this user has no permission; ports below 1024 are for root"],
  ["ENOTFOUND", "no host has this name"],
  ["EAI_AGAIN", "the name cannot be looked up now"],
])
const CONNECT_REASONS: ReadonlyMap<string, string> = new Map([
  // Of a Unix socket.
  ["ENOENT", "there is no such socket"],
  ["EACCES", "this user has no permission"],
  ["ECONNREFUSED", "nobody listens there"],
  ["ECONNRESET", "the connection was closed"],
  ["UND_ERR_SOCKET", "the connection was closed"],
  ["EPIPE", "the connection was closed"],
  ["ETIMEDOUT", "no answer came in time"],
  ["UND_ERR_CONNECT_TIMEOUT", "no answer came in time"],
  ["EHOSTUNREACH", "no way leads to that host"],
  ["ENETUNREACH", "no way leads to that host"],
  ["ENOTFOUND", "no host has this name"],
  ["EAI_AGAIN", "the name cannot be looked up now"],
])

/** Why a file or folder cannot be used, to end a sentence. What is not known keeps the system's words. */
export const fileReason = (cause: unknown): string =>
  cannotOpen(cause)
    ? "it cannot be opened; this user must be able to write its folder"
    : reason(cause, FILE_REASONS)
/** Why an address cannot be asked. */
export const connectReason = (cause: unknown): string => reason(cause, CONNECT_REASONS)

/** FILE_UNREADABLE with a sentence. `what` begins it, such as `The targets file`; the path is shown in full. */
export function fileUnreadable(
  what: string,
  file: string,
  cause: unknown,
  retryable = false,
): MeshscopeError {
  const message = `${what} ${resolve(file)} cannot be read: ${fileReason(cause)}.`
  return new MeshscopeError("FILE_UNREADABLE", message, { retryable, cause })
}

/** LISTEN_FAILED with a sentence that says what to do; `setting` is the key that holds the address. */
export function listenFailed(setting: string, address: SocketAddress, cause: unknown): MeshscopeError {
  const inUse = cause instanceof Error && "code" in cause && cause.code === "EADDRINUSE"
  const message = `Cannot listen on ${socketAddressText(address)}: ${reason(cause, LISTEN_REASONS)}.`
  const advice = `${inUse ? "End that program, or set" : "Set"} ${setting} to another address.`
  return new MeshscopeError("LISTEN_FAILED", `${message} ${advice}`, { cause })
}

/** An error of a state folder, with the key that names the folder. Other errors stay as they are. */
export function stateFailed(setting: string, error: unknown): unknown {
  if (!(error instanceof MeshscopeError) || !error.code.startsWith("STATE_")) return error
  const { code, message, retryable } = error
  return new MeshscopeError(code, `${message} The setting ${setting} names the folder.`, {
    retryable,
    cause: error,
  })
}

/** SQLite says no more of a folder without permission than this code, SQLITE_CANTOPEN (sqlite.org/rescode.html). */
function cannotOpen(cause: unknown): boolean {
  return cause instanceof Error && "errcode" in cause && Number(cause.errcode) % 256 === 14
}

function reason(cause: unknown, words: ReadonlyMap<string, string>): string {
  if (!(cause instanceof Error)) return String(cause)
  const known = "code" in cause && typeof cause.code === "string" ? words.get(cause.code) : undefined
  if (known !== undefined) return known
  // `fetch` wraps the system's error, and several addresses of one name make several errors.
  const inner = cause instanceof AggregateError ? cause.errors[0] : cause.cause
  return inner instanceof Error ? reason(inner, words) : cause.message
}
