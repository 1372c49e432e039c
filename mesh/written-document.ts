import { type Document, LineCounter, parseDocument, type YAMLError } from "yaml"
import { display, nodeAt, offsetOf, pathText, valueAt } from "./document-place.ts"
import type { ErrorCode } from "./errors.ts"
import { type Environment, interpolate } from "./interpolation.ts"

/** A configuration as read: `file` only names it in messages. */
export interface ConfigurationSource {
  readonly file: string
  readonly text: string
  /** What `${NAME}` refers to. */
  readonly env: Environment
}

/** One thing that is wrong, with its place. Line and column count from 1. */
export interface Problem {
  readonly code: ErrorCode
  readonly file: string
  readonly line: number
  readonly column: number
  /** `scrape.interval`, `targets[0].admin`; empty for the file as a whole. */
  readonly path: string
  /** Says what is expected. */
  readonly sentence: string
}

type Path = readonly PropertyKey[]

/** A file as its writer wrote it: values with their places, before any schema. */
export interface WrittenDocument {
  /** What is wrong with the text itself: its YAML, and variables that are not set. */
  readonly problems: readonly Problem[]
  /** All values with variables replaced; undefined when the YAML cannot be read. */
  readonly input: unknown
  /** The value at a path; undefined where there is none, or where a variable of it is not set. */
  value(path: Path): unknown
  /** Whether the value at a path is not known, since a variable of it is not set. */
  open(path: Path): boolean
  /** The value as the file has it, short, without what came from the environment. */
  shown(path: Path): string
  /** A problem at the place of a value, or of its key. */
  problem(code: ErrorCode, path: Path, sentence: string, onKey?: boolean): Problem
}

/** What the YAML library reports, but after which the rest of the text can still be read; in our words. */
const HARMLESS: ReadonlyMap<string, string> = new Map([
  ["MULTIPLE_DOCS", 'expects one document; "---" begins another'],
  ["DUPLICATE_KEY", "the same key stands above; keep one of the two"],
  ["TAG_RESOLVE_FAILED", "expects no tag; quote a text that begins with an exclamation mark"],
])

/** Reads a text as YAML and replaces its variables. Pure, and never throws. */
export function writtenDocument({ file, text, env }: ConfigurationSource): WrittenDocument {
  const lines = new LineCounter()
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false })
  const at = (code: ErrorCode, offset: number, path: string, sentence: string): Problem => {
    const { line, col } = lines.linePos(offset)
    return { code, file, line: Math.max(line, 1), column: Math.max(col, 1), path, sentence }
  }
  const wrong = [...document.errors, ...document.warnings]
  const broken = wrong.find(({ code }) => !HARMLESS.has(code))
  // What the library reports behind a broken place are its echoes.
  const problems = (broken === undefined ? wrong : [broken]).map((one) =>
    at("CONFIG_SYNTAX", one.pos[0], "", HARMLESS.get(one.code) ?? brokenSentence(one, text)),
  )
  const replaced = interpolate(document, env)
  if (broken === undefined)
    problems.push(
      ...replaced.problems.map(({ code, offset, path, sentence }) =>
        at(code, offset, pathText(path), sentence),
      ),
    )
  const read = broken === undefined ? inputOf(document) : { input: undefined }
  if (read.why !== undefined) problems.push(at("CONFIG_SYNTAX", 0, "", read.why))
  const open = (path: Path): boolean => replaced.open.has(nodeAt(document, path))
  return {
    problems,
    input: read.input,
    value: (path) => (open(path) ? undefined : valueAt(read.input, path)),
    open,
    shown: (path) => display(nodeAt(document, path), valueAt(read.input, path), replaced.touched),
    problem: (code, path, sentence, onKey = false) =>
      at(code, offsetOf(document, path, onKey), pathText(path), sentence),
  }
}

/** A reference inside braces is the usual reason why braces do not fit. */
function brokenSentence({ code, message, pos }: YAMLError, text: string): string {
  if (code === "TAB_AS_INDENT") return "is indented with a tab; YAML takes spaces only"
  const line = text.slice(text.lastIndexOf("\n", pos[0] - 1) + 1).split("\n", 1)[0] ?? ""
  const inBraces = /[{[]/.test(line.slice(0, Math.max(0, line.indexOf("${"))))
  const hint = inBraces
    ? "; inside { } or [ ] a reference such as ${NAME} needs quotes, or a line of its own"
    : ""
  return `is no YAML from here on: ${shortened(message)}${hint}`
}

const shortened = (message: string): string => (message.length > 120 ? `${message.slice(0, 120)}…` : message)

/** An empty file is an empty mapping. Unfolding aliases can fail after parsing went well. */
function inputOf(document: Document): { readonly input: unknown; readonly why?: string } {
  try {
    return { input: withoutNulls(document.toJS({ maxAliasCount: 100 })) ?? {} }
  } catch (error) {
    return { input: undefined, why: error instanceof Error ? error.message : String(error) }
  }
}

/** A mapping's key without a value becomes undefined: absent for defaults, still there for the check of unknown keys. */
function withoutNulls(value: unknown): unknown {
  if (Array.isArray(value)) return value.map((item) => (item === null ? null : withoutNulls(item)))
  if (value === null) return undefined
  if (typeof value !== "object") return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutNulls(item)]))
}
