import {
  type AccessFact,
  FIELD_COUNT,
  Field,
  type FieldName,
  type FormatAbilities,
  makeAccessFact,
} from "#mesh/access.ts"
import type { Operator } from "./operator.ts"
import { Kind, knownOperator, Shape, type Target, targetOf } from "./target.ts"

/** What becomes of one operator's value: `kind` and `shape` of `target.ts`, and the pair of `fact.spans` it fills (-1: none). */
export interface Slot {
  readonly kind: number
  readonly shape: number
  readonly span: number
}

/** All that decoding needs to know of a format besides its spelling. One slot per operator, in the format's order. */
export interface Plan {
  readonly slots: readonly Slot[]
  /** Belongs to the decoder; overwritten by each line. */
  readonly fact: AccessFact
  readonly abilities: FormatAbilities
  /** Pairs `from, to` of span indices: where `to` is empty after a line, `from` is copied there. In order of rank. */
  readonly fallbacks: Int32Array
  /** Whether a line without method, protocol and code is a connection of a TCP proxy. */
  readonly tcp: boolean
  /** Lines tell themselves which of the two they are: `tcp` is the same for both kinds of filters. */
  readonly tellsKind: boolean
  /** Operators that this build does not know. */
  readonly unknown: readonly string[]
}

/**
 * Gives each operator its place.
 * @param text values are not escaped, so strangers' bytes may move fields
 * @param kind of the filter that logs in this format
 */
export function planFormat(operators: readonly Operator[], text: boolean, kind: "http" | "tcp"): Plan {
  const targets = operators.map((operator) => targetOf(operator))
  const headers = [...new Set(targets.map((target) => target.header).filter((name) => name !== ""))]
  const places = new Places(headers)
  // Ranks decide who gets the field itself; everybody else with a text gets a spare span behind the headers.
  const order = targets.map((_, index) => index).toSorted((a, b) => rankOf(targets, a) - rankOf(targets, b))
  const slots: Slot[] = targets.map((target) => ({ kind: Kind.skip, shape: target.shape, span: -1 }))
  for (const index of order) {
    const target = targets[index]
    if (target !== undefined) slots[index] = places.place(target)
  }
  const tellsKind = targets.some((target) => tellsHttp(target))
  return {
    slots,
    fact: makeAccessFact(headers.length + places.spares),
    abilities: abilitiesOf(targets, headers, text),
    fallbacks: Int32Array.from(places.fallbacks),
    tcp: kind === "tcp" || tellsKind,
    tellsKind,
    unknown: operators.filter((operator) => !knownOperator(operator)).map((operator) => operator.name),
  }
}

const tellsHttp = (target: Target): boolean =>
  target.kind === Kind.code || target.field === Field.method || target.field === Field.protocol

const rankOf = (targets: readonly Target[], index: number): number => targets[index]?.rank ?? 0

/** Hands out spans; lives while one format is planned. */
class Places {
  readonly fallbacks: number[] = []
  spares = 0
  readonly #taken = new Set<number>()
  readonly #headers: readonly string[]
  constructor(headers: readonly string[]) {
    this.#headers = headers
  }

  place(target: Target): Slot {
    const { kind, shape } = target
    const skipped = { kind: Kind.skip, shape, span: -1 }
    if (kind === Kind.skip) return skipped
    const own = target.header === "" ? target.field : FIELD_COUNT + this.#headers.indexOf(target.header)
    // A number has no span: its kind is what can be taken only once.
    const key = own < 0 ? -kind : own
    if (!this.#taken.has(key)) {
      this.#taken.add(key)
      return { kind, shape, span: own }
    }
    if (kind !== Kind.text || target.header !== "") return skipped
    const spare = FIELD_COUNT + this.#headers.length + this.spares
    this.spares += 1
    this.fallbacks.push(spare, own)
    return { kind, shape, span: spare }
  }
}

const isFieldName = (name: string): name is FieldName => Object.hasOwn(Field, name)
const FIELD_NAMES = Object.keys(Field).filter((name) => isFieldName(name))

function abilitiesOf(targets: readonly Target[], headers: readonly string[], text: boolean): FormatAbilities {
  const has = (kind: number): boolean => targets.some((target) => target.kind === kind)
  return {
    fields: FIELD_NAMES.filter((name) => targets.some((target) => target.field === Field[name])),
    headers,
    grpcStatus: has(Kind.grpc),
    attempts: has(Kind.attempts),
    durations: has(Kind.duration),
    forgeable: text && targets.filter((target) => target.shape === Shape.wild).length > 1,
  }
}
