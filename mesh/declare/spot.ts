import { type Document, LineCounter, parseAllDocuments } from "yaml"
import { MeshscopeError } from "../errors.ts"
import { plainValue } from "./plain-value.ts"

type Path = readonly (string | number)[]

/** Where a value comes from: a document of a file, or an object of a cluster. */
export interface Place {
  /** Name of the file, or of the object. */
  readonly name: string
  /** Where the value at `path` stands, or the nearest thing around it: `mesh.yaml:12:9: document 3`, `VirtualNode shop/ui`. */
  where(path: Path): string
}

/** A value that nobody has checked yet, with the way to it. Every reader below either answers or throws MODEL_INVALID. */
export interface Spot {
  readonly value: unknown
  readonly path: Path
  readonly place: Place
}

/** Splits a text into its YAML documents (JSON is YAML too). Empty documents are left out. */
export function documentsOf(text: string, file: string): Spot[] {
  const lines = new LineCounter()
  const spots: Spot[] = []
  let number = 0
  for (const document of parseAllDocuments(text, { lineCounter: lines })) {
    number += 1
    const error = document.errors[0]
    if (error !== undefined) throw syntaxError(file, number, error, lines)
    const place = placeOf(document, lines, file, number)
    const value = readValue(document, place)
    if (value !== null && value !== undefined) spots.push({ value, path: [], place })
  }
  return spots
}

/** Unfolding aliases can fail after parsing went well: too many of them, or one to nothing. */
function readValue(document: Document, place: Place): unknown {
  try {
    return plainValue(document)
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : "its aliases cannot be unfolded"
    throw invalid({ value: undefined, path: [], place }, `cannot be read: ${why}`, cause)
  }
}

function syntaxError(
  file: string,
  number: number,
  error: Error & { pos: [number, number] },
  lines: LineCounter,
) {
  const { line, col } = lines.linePos(error.pos[0])
  const what = error.message.split("\n")[0]?.replace(/ at line \d+, column \d+:?$/, "")
  return new MeshscopeError("MODEL_INVALID", `${file}:${line}:${col}: document ${number}: ${what}`, {
    cause: error,
  })
}

function placeOf(document: Document, lines: LineCounter, file: string, number: number): Place {
  return {
    name: file,
    where: (path) => `${file}:${lineAndColumn(document, lines, path)}: document ${number}`,
  }
}

function lineAndColumn(document: Document, lines: LineCounter, path: Path): string {
  for (let length = path.length; length >= 0; length -= 1) {
    const node: unknown = document.getIn(path.slice(0, length), true)
    const start = rangeStart(node)
    if (start === undefined) continue
    const { line, col } = lines.linePos(start)
    return `${line}:${col}`
  }
  return "1:1"
}

function rangeStart(node: unknown): number | undefined {
  if (typeof node !== "object" || node === null || !("range" in node)) return undefined
  const start: unknown = Array.isArray(node.range) ? node.range[0] : undefined
  return typeof start === "number" ? start : undefined
}

/** The error for a spot: `mesh.yaml:12:9: document 3: spec.routes[0].name: …`. */
export function invalid(spot: Spot, what: string, cause?: unknown): MeshscopeError {
  return new MeshscopeError("MODEL_INVALID", sentenceAt(spot, what), { cause })
}

/** The same words where they are no error but a note. */
export function sentenceAt(spot: Spot, what: string): string {
  const path = pathText(spot.path)
  return `${spot.place.where(spot.path)}: ${path === "" ? "" : `${path}: `}${what}`
}

function pathText(path: Path): string {
  let text = ""
  for (const key of path) {
    text += typeof key === "number" ? `[${key}]` : `${text === "" ? "" : "."}${key}`
  }
  return text
}

/** The spot one key further; its value is undefined where there is none (null counts as none). */
export function at(spot: Spot, ...keys: Path): Spot {
  let value: unknown = spot.value
  const path = [...spot.path]
  for (const key of keys) {
    path.push(key)
    value = isObject(value) && Object.hasOwn(value, key) ? Reflect.get(value, key) : undefined
  }
  return { value: value ?? undefined, path, place: spot.place }
}

function isObject(value: unknown): value is object {
  return typeof value === "object" && value !== null
}

export function isThere(spot: Spot): boolean {
  return spot.value !== undefined && spot.value !== null
}

/** Longer than any name, pattern or log format; what reads the model elsewhere refuses more. */
const LONGEST_TEXT = 65_536

export function textAt(spot: Spot, ...keys: Path): string | undefined {
  const found = at(spot, ...keys)
  if (!isThere(found)) return undefined
  if (typeof found.value !== "string") throw invalid(found, "must be a text")
  if (found.value.length > LONGEST_TEXT) throw invalid(found, `is longer than ${LONGEST_TEXT} characters`)
  return found.value
}

export function neededText(spot: Spot, ...keys: Path): string {
  const text = textAt(spot, ...keys)
  if (text === undefined || text === "") throw invalid(at(spot, ...keys), "is missing")
  return text
}

/** A whole number of at least `least`. */
export function wholeAt(spot: Spot, least: number, ...keys: Path): number | undefined {
  const found = at(spot, ...keys)
  if (!isThere(found)) return undefined
  if (typeof found.value !== "number" || !Number.isSafeInteger(found.value) || found.value < least) {
    throw invalid(found, `must be a whole number of at least ${least}`)
  }
  return found.value
}

/** A port: 1 to 65535. */
export function portAt(spot: Spot, ...keys: Path): number | undefined {
  const port = wholeAt(spot, 1, ...keys)
  if (port !== undefined && port > 65_535) throw invalid(at(spot, ...keys), "must be a port, at most 65535")
  return port
}

export function flagAt(spot: Spot, ...keys: Path): boolean {
  const found = at(spot, ...keys)
  if (!isThere(found)) return false
  if (typeof found.value !== "boolean") throw invalid(found, "must be true or false")
  return found.value
}

/** The elements of a list; none when it is not there. */
export function listAt(spot: Spot, ...keys: Path): Spot[] {
  const found = at(spot, ...keys)
  if (!isThere(found)) return []
  if (!Array.isArray(found.value)) throw invalid(found, "must be a list")
  return found.value.map((_, index) => at(found, index))
}

/** The entries of an object whose values are texts, e.g. labels. */
export function textsAt(spot: Spot, ...keys: Path): Readonly<Record<string, string>> | undefined {
  const found = at(spot, ...keys)
  if (!isThere(found)) return undefined
  if (!isObject(found.value) || Array.isArray(found.value)) throw invalid(found, "must be an object")
  return Object.fromEntries(Object.keys(found.value).map((key) => [key, textAt(found, key) ?? ""]))
}

/** One of the given words. */
export function wordAt<T extends string>(spot: Spot, words: readonly T[], ...keys: Path): T | undefined {
  const text = textAt(spot, ...keys)
  if (text === undefined) return undefined
  const word = words.find((one) => one === text)
  if (word === undefined) throw invalid(at(spot, ...keys), `must be one of ${words.join(", ")}`)
  return word
}
