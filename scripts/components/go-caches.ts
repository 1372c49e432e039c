import { existsSync } from "node:fs"
import { rm } from "node:fs/promises"
import { join } from "node:path"
import { exclusively } from "./lock.ts"
import type { Progress } from "./progress.ts"

/**
 * Go's caches of modules and of compiled packages while components are built: what is built in one run shares them, and
 * `close` throws them away, since they are some ten times as large as the commands. One process builds at a time: a second
 * would only fight for memory. GOMODCACHE and GOCACHE in the environment name caches to use in place of ours, and to keep.
 */
export class GoCaches {
  readonly #folder: string
  readonly #env: NodeJS.ProcessEnv
  #used = false

  /** @param cache where folders of packages lie */
  constructor(cache: string, env: NodeJS.ProcessEnv) {
    this.#folder = join(cache, "go")
    this.#env = env
  }

  /** Runs `work` with the environment that Go is to have. */
  use<T>(progress: Progress, work: (env: NodeJS.ProcessEnv) => Promise<T>): Promise<T> {
    this.#used = true
    const waiting = (): void => progress.note("another process builds with Go, waiting")
    return exclusively(`${this.#folder}.lock`, waiting, () => work(this.#environment()))
  }

  async close(): Promise<void> {
    if (!this.#used || !existsSync(this.#folder)) return
    await exclusively(
      `${this.#folder}.lock`,
      () => {},
      () => rm(this.#folder, { recursive: true }),
    )
  }

  /** A workspace or a C compiler of the machine must not change what is built; what is to be deleted must be writable. */
  #environment(): NodeJS.ProcessEnv {
    const path = join(this.#folder, "path")
    const env = this.#env
    return {
      ...env,
      GOPATH: path,
      GOMODCACHE: env["GOMODCACHE"] || join(path, "pkg/mod"),
      GOCACHE: env["GOCACHE"] || join(this.#folder, "build"),
      GOWORK: "off",
      CGO_ENABLED: "0",
      GOFLAGS: `${env["GOFLAGS"] ?? ""} -buildvcs=false -modcacherw`,
    }
  }
}
