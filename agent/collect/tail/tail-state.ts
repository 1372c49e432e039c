import { MeshscopeError } from "#mesh/errors.ts"
import type { Print } from "./fingerprint.ts"
import type { Position } from "./generation.ts"
import type { Identity } from "./open-file.ts"

/** What is kept of one followed path. */
export interface FileState {
  readonly path: string
  /** Oldest first; the last one is the live file, unless `positions` is empty. */
  readonly positions: readonly Position[]
  /** Rotated files that were there at the last look and are none of ours to read. */
  readonly known: readonly Identity[]
  /** What the consumer wanted kept with the position, e.g. half a line. */
  readonly held: Uint8Array | undefined
}

/** All that is kept between two runs of the agent. */
export interface TailState {
  /** When the agent first ran, ns since epoch: files older than that were there before anybody looked. */
  readonly sinceNs: bigint
  readonly files: readonly FileState[]
}

const VERSION = 1

const identityText = ({ dev, ino, birth }: Identity): string => `${dev}:${ino}:${birth}`
const printText = ({ length, hash }: Print): string => `${length}:${hash}`

/** Text, one JSON object: `{"v":1,"since":"…","files":[…]}`. Read by newer versions, and by people. */
export function encodeState({ sinceNs, files }: TailState): Uint8Array {
  const rows = files.map(({ path, positions, known, held }) => ({
    path,
    positions: positions.map(({ identity, real, offset, head, check, skipping }) => ({
      id: identityText(identity),
      real,
      offset,
      head: printText(head),
      check: printText(check),
      skipping,
    })),
    known: known.map((identity) => identityText(identity)),
    held: held === undefined ? "" : Buffer.from(held).toString("base64"),
  }))
  return Buffer.from(JSON.stringify({ v: VERSION, since: String(sinceNs), files: rows }))
}

/**
 * The inverse of `encodeState`.
 * @throws MeshscopeError STATE_FUTURE for a newer version, STATE_CORRUPT for anything else that is not such a state
 */
export function decodeState(bytes: Uint8Array): TailState {
  let state: unknown
  try {
    state = JSON.parse(Buffer.from(bytes).toString())
  } catch (cause) {
    throw corrupt("is not JSON", cause)
  }
  const version = member(state, "v")
  if (typeof version === "number" && version > VERSION) {
    throw new MeshscopeError(
      "STATE_FUTURE",
      `The positions of log files were written in version ${version} of their form; this program knows ${VERSION}.`,
    )
  }
  if (version !== VERSION) throw corrupt("has no version")
  const files = list(member(state, "files")).map((row) => ({
    path: text(member(row, "path")),
    positions: list(member(row, "positions")).map((position) => readPosition(position)),
    known: list(member(row, "known")).map((identity) => readIdentity(text(identity))),
    held: readHeld(text(member(row, "held"))),
  }))
  const since = member(state, "since")
  return { sinceNs: typeof since === "string" && /^\d+$/.test(since) ? BigInt(since) : 0n, files }
}

function readPosition(row: unknown): Position {
  const offset = member(row, "offset")
  if (typeof offset !== "number" || !Number.isSafeInteger(offset) || offset < 0)
    throw corrupt("has a bad offset")
  return {
    identity: readIdentity(text(member(row, "id"))),
    real: text(member(row, "real")),
    offset,
    head: readPrint(text(member(row, "head"))),
    check: readPrint(text(member(row, "check"))),
    skipping: member(row, "skipping") === true,
  }
}

function readIdentity(value: string): Identity {
  const parts = /^(\d+):(\d+):(\d+)$/.exec(value)
  if (parts === null) throw corrupt("has a bad file identity")
  return { dev: BigInt(parts[1] ?? 0), ino: BigInt(parts[2] ?? 0), birth: BigInt(parts[3] ?? 0) }
}

function readPrint(value: string): Print {
  const parts = /^(\d{1,3}):(\w*)$/.exec(value)
  if (parts === null) throw corrupt("has a bad fingerprint")
  return { length: Number(parts[1]), hash: parts[2] ?? "" }
}

const readHeld = (value: string): Uint8Array | undefined =>
  value === "" ? undefined : Buffer.from(value, "base64")

function member(value: unknown, key: string): unknown {
  return typeof value === "object" && value !== null && Object.hasOwn(value, key)
    ? Reflect.get(value, key)
    : undefined
}

function text(value: unknown): string {
  if (typeof value !== "string") throw corrupt("lacks a text")
  return value
}

function list(value: unknown): readonly unknown[] {
  if (!Array.isArray(value)) throw corrupt("lacks a list")
  return value
}

function corrupt(what: string, cause?: unknown): MeshscopeError {
  return new MeshscopeError(
    "STATE_CORRUPT",
    `The kept positions of log files cannot be read: the state ${what}.`,
    { cause },
  )
}
