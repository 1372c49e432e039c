import { Rising } from "../rig/rising.ts"

/** Looks at one page of one process after another: no counter may fall or go, its own ones included. */
export class RisingWatch {
  readonly complaints: string[] = []
  pages = 0
  readonly #rising = new Rising()

  take(text: string): void {
    this.pages++
    for (const what of this.#rising.take(text))
      if (this.complaints.length < 20) this.complaints.push(`page ${this.pages}: ${what}`)
  }
}
