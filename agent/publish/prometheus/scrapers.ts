import type { IncomingHttpHeaders } from "node:http"

/** Who reads one answer. */
export interface Reader {
  /**
   * Counters and histograms that were born after the answered generation are shown to it as 0. Called once per answer,
   * when its text is fixed; `newest` is the last commit then, so that nothing in the text was born later.
   */
  knows(newest: number): number
  /** The answer went out whole, with all that was born up to `generation`. */
  got(generation: number): void
}

/** Sees everything as it is. */
export const STRANGER: Reader = { knows: () => Infinity, got: () => undefined }

export interface Scrapers {
  /** @param request as of `node:http` */
  reader(request: AskedBy): Reader
}

interface AskedBy {
  readonly headers: IncomingHttpHeaders
  readonly socket: { readonly remoteAddress?: string | undefined }
}

interface Scraper {
  /** What was born up to this generation may have been shown to it with its value, so it is never shown as 0 again. */
  seen: number
  lastMs: number
}

/** Prometheus and all that scrape like it send this: https://github.com/prometheus/prometheus/pull/2565 */
const SCRAPER_HEADER = "x-prometheus-scrape-timeout-seconds"
const MAX_SCRAPERS = 32
/** A scraper that was silent for so long gives its place to a new one when all are taken. */
const IDLE_MS = 3_600_000
/** Longer names are of no scraper that we know, and would fill the memory. */
const MAX_NAME_CHARS = 256

/**
 * Remembers what each scraper was shown, by address and user agent. One that is not remembered (new, or without a place)
 * sees everything as it is: then no value of its is ever lower than the one before.
 */
export function makeScrapers(now: () => number = () => performance.now()): Scrapers {
  /** Who was silent for longest stands first. */
  const known = new Map<string, Scraper>()
  const remember = (name: string, scraper: Scraper): void => {
    known.delete(name)
    known.set(name, scraper)
  }
  const makeRoom = (): boolean => {
    if (known.size < MAX_SCRAPERS) return true
    const [oldest] = known
    return oldest !== undefined && now() - oldest[1].lastMs > IDLE_MS && known.delete(oldest[0])
  }
  const readerOf = (name: string): Reader => {
    let scraper: Scraper | undefined
    return {
      knows(newest) {
        scraper = known.get(name)
        if (scraper !== undefined) {
          scraper.lastMs = now()
          remember(name, scraper)
          return scraper.seen
        }
        // Noted before anything is sent: whether the answer arrives or not, what it shows is never shown lower.
        if (makeRoom()) remember(name, { seen: newest, lastMs: now() })
        return Infinity
      },
      got(generation) {
        if (scraper !== undefined) scraper.seen = Math.max(scraper.seen, generation)
      },
    }
  }
  return {
    reader(request) {
      const name = nameOf(request)
      return name === undefined ? STRANGER : readerOf(name)
    },
  }
}

function nameOf({ headers, socket }: AskedBy): string | undefined {
  if (headers[SCRAPER_HEADER] === undefined || socket.remoteAddress === undefined) return undefined
  const agent = headers["user-agent"] ?? ""
  return agent.length > MAX_NAME_CHARS ? undefined : `${socket.remoteAddress} ${agent}`
}
