import { type AccessFact, FIELD_COUNT, Field, type FormatAbilities, fieldText } from "#mesh/access.ts"

/** Texts of one line that the replay needs; made on the slow way only. */
export interface LineView {
  readonly authority: string | undefined
  readonly method: string | undefined
  /** `:path` as forwarded. */
  readonly path: string | undefined
  /** `x-envoy-original-path`: by Envoy when it rewrote, else by whoever sent it. */
  readonly original: string | undefined
  /** One of the two, the line does not tell which. */
  readonly either: string | undefined
  /** What Envoy calls the route that it took; undefined where it took none, or one without a name. */
  readonly routeName: string | undefined
  readonly header: (name: string) => string | null | undefined
}

/** Request headers that have a field of their own. */
const HEADER_FIELDS = new Map<
  string,
  { readonly field: number; readonly name: FormatAbilities["fields"][number] }
>([
  ["user-agent", { field: Field.userAgent, name: "userAgent" }],
  ["x-request-id", { field: Field.requestId, name: "requestId" }],
  ["content-type", { field: Field.contentType, name: "contentType" }],
])

/** Reads lines of one format. Without its abilities a field that is not in the line is unknown, not absent. */
export function makeLineReader(abilities: FormatAbilities | undefined): (fact: AccessFact) => LineView {
  const logged = new Set<string>(abilities?.fields)
  const further = new Map(abilities?.headers.map((name, index) => [name, FIELD_COUNT + index]))
  const fieldOf = (name: string): { field: number; logged: boolean } | undefined => {
    const own = HEADER_FIELDS.get(name)
    if (own !== undefined) return { field: own.field, logged: logged.has(own.name) }
    const field = further.get(name)
    return field === undefined ? undefined : { field, logged: true }
  }
  return (fact) => ({
    authority: fieldText(fact, Field.authority),
    method: fieldText(fact, Field.method),
    path: fieldText(fact, Field.path),
    original: fieldText(fact, Field.originalPath),
    either: fieldText(fact, Field.eitherPath),
    routeName: fieldText(fact, Field.routeName),
    header(name) {
      const found = fieldOf(name)
      const value = found === undefined ? undefined : fieldText(fact, found.field)
      if (value !== undefined) return value
      // An answer of gRPC tells what the request was.
      if (name === "content-type" && fact.grpcStatus >= 0) return "application/grpc"
      return found?.logged === true ? null : undefined
    },
  })
}

/** Field of a header in lines of this format, for cache keys; undefined when the format does not log it. */
export function headerField(name: string, abilities: FormatAbilities | undefined): number | undefined {
  const own = HEADER_FIELDS.get(name)
  if (own !== undefined) return own.field
  const index = abilities?.headers.indexOf(name) ?? -1
  return index < 0 ? undefined : FIELD_COUNT + index
}
