import { type CriLine, criHeader } from "./cri.ts"
import { type DockerLine, dockerLine, looksLikeDocker } from "./docker-json.ts"
import { PartialLine } from "./partial-line.ts"

/** How a container runtime wraps the lines of a process. */
export type Framing = "plain" | "cri" | "docker"

export interface FramerConfig {
  /** `auto`: decided by the file's first line and kept. */
  readonly framing: Framing | "auto"
  /** Longest line that is passed on, without its framing; longer ones are dropped and counted. */
  readonly maxLineBytes: number
}
export const FRAMER_DEFAULTS: FramerConfig = { framing: "auto", maxLineBytes: 64 * 1024 }

/** Lines that were not passed on, by reason. */
export interface FramerDrops {
  line_too_long: number
  bad_frame: number
}

/** Gets one line of the process, without newline. The bytes are only good until it returns. */
export type OnLine = (bytes: Buffer, start: number, end: number) => void

const NEWLINE = 10
const RETURN = 13
/** A file's framing does not change; so many lines in a row that do not fit mean that the first one misled us. */
const MISFITS = 16
/** Largest buffer that is kept from line to line. */
const KEPT = 16 * 1024
const NOTHING = Buffer.alloc(0)

/**
 * Takes whole lines of one file off their container framing. Partial lines are joined, per stream, up to the limit.
 * What is pending between two calls is a file's state: `save` it together with the file's position.
 */
export class LineFramer {
  readonly drops: FramerDrops = { line_too_long: 0, bad_frame: 0 }
  /** Undefined until the first line decided. */
  framing: Framing | undefined
  readonly #config: FramerConfig
  readonly #partials: { readonly stdout: PartialLine; readonly stderr: PartialLine }
  readonly #cri: CriLine = { content: 0, partial: false, stderr: false, timeBytes: 30 }
  readonly #docker: DockerLine = { bytes: Buffer.alloc(0), end: 0, stderr: false }
  #misfits = 0

  constructor(config: FramerConfig = FRAMER_DEFAULTS) {
    this.#config = config
    this.framing = config.framing === "auto" ? undefined : config.framing
    this.#partials = {
      stdout: new PartialLine(config.maxLineBytes),
      stderr: new PartialLine(config.maxLineBytes),
    }
  }

  /**
   * Passes on every line in `[start, end)`, which must end behind a newline.
   * @returns how many lines of the file there were
   */
  frame(bytes: Buffer, start: number, end: number, onLine: OnLine): number {
    let at = start
    let count = 0
    while (at < end) {
      let stop = bytes.indexOf(NEWLINE, at)
      if (stop < 0 || stop > end) stop = end
      this.framing ??= detectFraming(bytes, at, stop, this.#cri)
      if (this.framing === "plain") this.#pass(bytes, at, stop, onLine)
      else if (this.framing === "cri") this.#takeCri(bytes, at, stop, onLine)
      else this.#takeDocker(bytes, at, stop, onLine)
      at = stop + 1
      count += 1
    }
    return count
  }

  #pass(bytes: Buffer, start: number, end: number, onLine: OnLine): void {
    const stop = end > start && bytes[end - 1] === RETURN ? end - 1 : end
    if (stop - start > this.#config.maxLineBytes) this.drops.line_too_long += 1
    else onLine(bytes, start, stop)
  }

  #takeCri(bytes: Buffer, start: number, end: number, onLine: OnLine): void {
    const line = this.#cri
    if (!criHeader(bytes, start, end, line)) {
      this.#misfit()
      return
    }
    this.#misfits = 0
    this.#join(line.stderr, line.partial, bytes, line.content, end, onLine)
  }

  #takeDocker(bytes: Buffer, start: number, end: number, onLine: OnLine): void {
    const line = this.#docker
    if (!dockerLine(bytes, start, end, line)) {
      this.#misfit()
      return
    }
    this.#misfits = 0
    const whole = line.end > 0 && line.bytes[line.end - 1] === NEWLINE
    this.#join(line.stderr, !whole, line.bytes, 0, whole ? line.end - 1 : line.end, onLine)
    // Long lines are few, files are many.
    if (line.bytes.length > KEPT) line.bytes = NOTHING
  }

  #join(stderr: boolean, partial: boolean, bytes: Buffer, start: number, end: number, onLine: OnLine): void {
    const pending = stderr ? this.#partials.stderr : this.#partials.stdout
    if (!partial && pending.empty) {
      this.#pass(bytes, start, end, onLine)
      return
    }
    pending.append(bytes, start, end)
    if (partial) return
    if (pending.overflowed) this.drops.line_too_long += 1
    else this.#pass(pending.bytes, 0, pending.length, onLine)
    pending.clear()
  }

  #misfit(): void {
    this.drops.bad_frame += 1
    this.#misfits += 1
    if (this.#misfits < MISFITS || this.#config.framing !== "auto") return
    this.#misfits = 0
    this.framing = undefined
  }

  /** What must be known to go on in the middle of a file: its framing and what is pending. Undefined: nothing yet. */
  save(): Uint8Array | undefined {
    if (this.framing === undefined) return undefined
    const { stdout, stderr } = this.#partials
    const state: FramerState = { v: 1, framing: this.framing, stdout: stdout.save(), stderr: stderr.save() }
    return Buffer.from(JSON.stringify(state))
  }

  /** Goes on from what `save` gave. State that cannot be read counts as none. */
  restore(saved: Uint8Array): void {
    const state = parseState(saved)
    if (state === undefined) return
    if (this.#config.framing === "auto") this.framing = state.framing
    this.#partials.stdout.restore(state.stdout)
    this.#partials.stderr.restore(state.stderr)
  }
}

/** Decides by one line. */
function detectFraming(bytes: Buffer, start: number, end: number, scratch: CriLine): Framing {
  if (criHeader(bytes, start, end, scratch)) return "cri"
  return looksLikeDocker(bytes, start, end) ? "docker" : "plain"
}

interface FramerState {
  readonly v: 1
  readonly framing: Framing
  readonly stdout: string
  readonly stderr: string
}

function parseState(saved: Uint8Array): FramerState | undefined {
  try {
    const state: unknown = JSON.parse(Buffer.from(saved).toString())
    return isState(state) ? state : undefined
  } catch {
    return undefined
  }
}

function isState(state: unknown): state is FramerState {
  if (typeof state !== "object" || state === null) return false
  if (!("v" in state && "framing" in state && "stdout" in state && "stderr" in state)) return false
  const { v, framing, stdout, stderr } = state
  return (
    v === 1 &&
    (framing === "plain" || framing === "cri" || framing === "docker") &&
    typeof stdout === "string" &&
    typeof stderr === "string"
  )
}
