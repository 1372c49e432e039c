import type { Format } from "./text.ts"

/** Longer headers are not read: no scraper sends them. */
const MAX_HEADER_CHARS = 2048

/** The format that an `Accept` header likes best; 0.0.4 text when it does not say. */
export function acceptedFormat(accept: string | undefined): Format {
  const offers = weighted(accept)
  const best = (names: readonly string[]): number =>
    Math.max(0, ...offers.filter((offer) => names.includes(offer.name)).map((offer) => offer.weight))
  const openMetrics = offers.filter(({ name, version }) => {
    return name === "application/openmetrics-text" && (version === undefined || version === "1.0.0")
  })
  const wanted = Math.max(0, ...openMetrics.map((offer) => offer.weight))
  return wanted > 0 && wanted >= best(["text/plain", "text/*"]) ? "openmetrics" : "text"
}

/** Whether an `Accept-Encoding` header allows gzip. */
export function acceptsGzip(acceptEncoding: string | undefined): boolean {
  const offers = weighted(acceptEncoding)
  const named = offers.find((offer) => offer.name === "gzip" || offer.name === "x-gzip")
  return ((named ?? offers.find((offer) => offer.name === "*"))?.weight ?? 0) > 0
}

interface Offer {
  readonly name: string
  readonly weight: number
  readonly version: string | undefined
}

function weighted(header: string | undefined): Offer[] {
  if (header === undefined || header.length > MAX_HEADER_CHARS) return []
  return header.split(",").map((offer) => {
    const [name = "", ...parameters] = offer.split(";").map((part) => part.trim())
    const value = (key: string): string | undefined =>
      parameters.find((parameter) => parameter.startsWith(`${key}=`))?.slice(key.length + 1)
    const weight = Number(value("q") ?? 1)
    return {
      name: name.toLowerCase(),
      weight: weight >= 0 && weight <= 1 ? weight : 0,
      version: value("version"),
    }
  })
}
