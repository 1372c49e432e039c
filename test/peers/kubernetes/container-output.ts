import {
  appendFileSync,
  closeSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  readSync,
  renameSync,
  unlinkSync,
  writeFileSync,
} from "node:fs"
import { join } from "node:path"
import { gzipSync } from "node:zlib"

const NEWLINE = 10
const POLL_MS = 20
/** Real runtimes cut at 16 KiB; ours sooner, so that most lines are cut. */
const PIECE_BYTES = 300

/**
 * One container's output as containerd writes it: what a process wrote to a plain file comes out in
 * `<folder>/<restarts>.log` with CRI framing. The kubelet rotates that file.
 */
export class ContainerOutput {
  readonly #from: number
  readonly #folder: string
  readonly #timer: NodeJS.Timeout
  #position = 0
  #rest = Buffer.alloc(0)
  #rotations = 0

  /** @param plain what the process writes to; it must be there */
  constructor(plain: string, folder: string) {
    mkdirSync(folder, { recursive: true })
    this.#from = openSync(plain, "r")
    this.#folder = folder
    this.#timer = setInterval(() => this.pass(), POLL_MS)
  }

  get #live(): string {
    return join(this.#folder, "0.log")
  }

  /** Writes what has come since. */
  pass(): void {
    const buffer = Buffer.alloc(256 * 1024)
    for (;;) {
      const got = readSync(this.#from, buffer, 0, buffer.length, this.#position)
      if (got === 0) return
      this.#position += got
      const bytes = Buffer.concat([this.#rest, buffer.subarray(0, got)])
      const end = bytes.lastIndexOf(NEWLINE) + 1
      this.#rest = bytes.subarray(end)
      if (end > 0) appendFileSync(this.#live, framed(bytes.toString("utf8", 0, end)))
    }
  }

  /** As the kubelet's log manager: compress what was rotated before, rename, reopen. */
  rotate(): void {
    this.pass()
    for (const name of readdirSync(this.#folder)) {
      if (!/^0\.log\.[\d-]+$/.test(name)) continue
      const path = join(this.#folder, name)
      writeFileSync(`${path}.tmp`, gzipSync(readFileSync(path)))
      renameSync(`${path}.tmp`, `${path}.gz`)
      unlinkSync(path)
    }
    renameSync(this.#live, `${this.#live}.20261121-1000${String(this.#rotations++).padStart(2, "0")}`)
    writeFileSync(this.#live, "")
  }

  stop(): void {
    clearInterval(this.#timer)
    closeSync(this.#from)
  }
}

function framed(text: string): string {
  const time = new Date().toISOString().replace("Z", "000001Z")
  return text
    .slice(0, -1)
    .split("\n")
    .flatMap((line) => {
      const pieces = line.match(new RegExp(`.{1,${PIECE_BYTES}}`, "gs")) ?? [""]
      return pieces.map((piece, at) => `${time} stdout ${at === pieces.length - 1 ? "F" : "P"} ${piece}\n`)
    })
    .join("")
}
