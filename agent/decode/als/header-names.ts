import { FIELD_COUNT, Field } from "#mesh/access.ts"

/** A header by its lower-case name, found by its bytes, so that no text is made of what is passed over. */
export interface HeaderPlace {
  readonly name: Buffer
  /** Index of its span in a fact; -1: it is a number, see `grpc` and `time`. */
  readonly span: number
  /** Of two headers for one span the lower rank wins. */
  readonly rank: number
}

/** Headers with a field of their own. `:path` and the like are fields of the entry. */
const OWN: readonly (readonly [name: string, span: number, rank: number])[] = [
  ["x-amzn-trace-id", Field.traceId, 0],
  ["traceparent", Field.traceId, 1],
  ["content-type", Field.contentType, 0],
]

const OWN_NAMES = new Set(OWN.map(([name]) => name))

/** Names that are logged and have no field of their own, in the order of their spans. */
export function furtherNames(logged: readonly string[]): readonly string[] {
  return [...new Set(logged)].filter((name) => !OWN_NAMES.has(name))
}

/** Where request headers go; those with a field of their own are taken whether or not they are expected. */
export function requestPlaces(further: readonly string[]): readonly HeaderPlace[] {
  return [
    ...OWN.map(([name, span, rank]) => ({ name: Buffer.from(name), span, rank })),
    ...further.map((name, index) => ({ name: Buffer.from(name), span: FIELD_COUNT + index, rank: 0 })),
  ]
}

/** The place of the header whose name lies in `[start, end)`; -1 for none. */
export function placeOf(
  places: readonly { readonly name: Buffer }[],
  bytes: Buffer,
  start: number,
  end: number,
): number {
  for (let index = 0; index < places.length; index++) {
    const name = places[index]?.name
    if (name?.length === end - start && name.compare(bytes, start, end) === 0) return index
  }
  return -1
}
