import { readFileSync } from "node:fs"

/** How much memory a process has had, as the kernel tells it. */
export class MemoryWatch {
  readonly #pid: number
  readonly #timer: NodeJS.Timeout
  #mostBytes = 0

  constructor(pid: number) {
    this.#pid = pid
    this.#timer = setInterval(() => this.#look(), 20)
  }

  /** The most that was seen so far. */
  get mostBytes(): number {
    this.#look()
    return this.#mostBytes
  }

  get nowBytes(): number {
    return residentBytes(this.#pid)
  }

  stop(): void {
    clearInterval(this.#timer)
  }

  #look(): void {
    this.#mostBytes = Math.max(this.#mostBytes, residentBytes(this.#pid))
  }
}

/** 0 once it has ended. */
function residentBytes(pid: number): number {
  try {
    const [, kib = "0"] = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? []
    return Number(kib) * 1024
  } catch {
    return 0
  }
}
