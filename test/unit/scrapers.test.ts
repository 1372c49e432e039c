import { expect, test } from "vitest"
import { makeScrapers, type Scrapers } from "../../agent/publish/prometheus/scrapers.ts"

const HOUR = 3_600_000
const asked = (name: string, more: Record<string, string> = {}) => ({
  headers: { "x-prometheus-scrape-timeout-seconds": "10", "user-agent": name, ...more },
  socket: { remoteAddress: "127.0.0.1" },
})

function table(): { scrapers: Scrapers; clock: { ms: number } } {
  const clock = { ms: 0 }
  return { scrapers: makeScrapers(() => clock.ms), clock }
}

/** What one answer at `generation` shows as 0: all that was born later. The answer arrives. */
function scrape(scrapers: Scrapers, name: string, generation: number): number {
  const reader = scrapers.reader(asked(name))
  const since = reader.knows(generation)
  reader.got(generation)
  return since
}

test("the first answer shows everything as it is, later ones know what the last one showed", () => {
  const { scrapers } = table()
  expect(scrape(scrapers, "a", 5)).toBe(Infinity)
  expect(scrape(scrapers, "a", 7)).toBe(5)
  expect(scrape(scrapers, "a", 7)).toBe(7)
  expect(scrape(scrapers, "b", 9)).toBe(Infinity)
  expect(scrape(scrapers, "a", 9)).toBe(7)
})

test("an answer that did not arrive tells nobody of births; what a first one may have shown stays shown", () => {
  const { scrapers } = table()
  expect(scrapers.reader(asked("a")).knows(5)).toBe(Infinity)
  expect(scrapers.reader(asked("a")).knows(7)).toBe(5)
  expect(scrapers.reader(asked("a")).knows(8)).toBe(5)
})

test("answers at the same time never take back what one of them showed", () => {
  const { scrapers } = table()
  scrape(scrapers, "a", 5)
  const [slow, fast] = [scrapers.reader(asked("a")), scrapers.reader(asked("a"))]
  expect([slow.knows(6), fast.knows(8)]).toEqual([5, 5])
  fast.got(8)
  slow.got(6)
  expect(scrape(scrapers, "a", 9)).toBe(8)
})

test.each([
  [
    "without the header of a scraper",
    { headers: { "user-agent": "curl" }, socket: { remoteAddress: "::1" } },
  ],
  ["of a connection that is gone", { ...asked("a"), socket: {} }],
  ["with a name that no scraper has", asked("x".repeat(257))],
])("a request %s sees everything as it is, always", (_, request) => {
  const { scrapers } = table()
  for (const generation of [5, 6]) {
    const reader = scrapers.reader(request)
    expect(reader.knows(generation)).toBe(Infinity)
    reader.got(generation)
  }
})

test("address and user agent tell scrapers apart", () => {
  const { scrapers } = table()
  scrape(scrapers, "a", 5)
  const elsewhere = { ...asked("a"), socket: { remoteAddress: "127.0.0.2" } }
  expect(scrapers.reader(elsewhere).knows(6)).toBe(Infinity)
  expect(scrapers.reader(asked("b")).knows(6)).toBe(Infinity)
  expect(scrapers.reader(asked("a", { accept: "text/plain" })).knows(6)).toBe(5)
})

test("a full table takes nobody in until one was silent for an hour, and then that one is the stranger", () => {
  const { scrapers, clock } = table()
  for (let at = 0; at < 32; at++) scrape(scrapers, `s${at}`, 5)
  for (const generation of [6, 7]) expect(scrape(scrapers, "late", generation)).toBe(Infinity)
  clock.ms = HOUR
  const others = Array.from({ length: 32 }, (_, at) => at).filter((at) => at !== 3)
  for (const at of others) expect(scrape(scrapers, `s${at}`, 8)).toBe(5)
  expect(scrape(scrapers, "late", 8)).toBe(Infinity)
  clock.ms = HOUR + 1
  expect(scrape(scrapers, "late", 9)).toBe(Infinity)
  expect(scrape(scrapers, "late", 10)).toBe(9)
  expect(scrape(scrapers, "s3", 10)).toBe(Infinity)
  expect(scrape(scrapers, "s3", 11)).toBe(Infinity)
})
