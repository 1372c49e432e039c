import { type Alias, type Document, isAlias, isMap, isScalar, isSeq, type Node } from "yaml"

/**
 * The value of a document whose nodes may have tags of CloudFormation: `!Ref X` is `{ "Ref": "X" }`, `!Sub X` is
 * `{ "Fn::Sub": "X" }`, as the same template in JSON has it. A document without tags is read by the parser itself.
 */
export function plainValue(document: Document): unknown {
  if (document.warnings.length === 0) return document.toJS()
  return new Reader(document).value(document.contents, 0)
}

/** Deeper than any template; aliases that hold themselves end here too. */
const DEEPEST = 200
/** More nodes than any template has; aliases can multiply them. */
const MOST_NODES = 200_000
/** Those that are not called `Fn::…`. */
const SHORT = new Set(["Ref", "Condition"])

class Reader {
  readonly #document: Document
  readonly #targets = new Map<Alias, Node>()
  #nodes = 0

  constructor(document: Document) {
    this.#document = document
  }

  value(node: unknown, depth: number): unknown {
    this.#nodes += 1
    if (depth > DEEPEST || this.#nodes > MOST_NODES) throw new Error("its aliases cannot be unfolded")
    if (isAlias(node)) return this.value(this.#target(node), depth + 1)
    if (isMap(node)) {
      const entries = node.items.map(({ key, value }) => [keyOf(key), this.value(value, depth + 1)] as const)
      return tagged(node, Object.fromEntries(entries))
    }
    if (isSeq(node)) {
      const items = node.items.map((item) => this.value(item, depth + 1))
      return tagged(node, items)
    }
    return isScalar(node) ? tagged(node, node.value) : undefined
  }

  /** Each alias is looked for once: that walks through the whole document. */
  #target(alias: Alias): unknown {
    const known = this.#targets.get(alias) ?? alias.resolve(this.#document)
    if (known !== undefined) this.#targets.set(alias, known)
    return known
  }
}

function keyOf(key: unknown): string {
  return isScalar(key) ? String(key.value) : ""
}

function tagged(node: Node, value: unknown): unknown {
  const [, name] = /^!(\w+)$/.exec(node.tag ?? "") ?? []
  if (name === undefined) return value
  return { [SHORT.has(name) ? name : `Fn::${name}`]: value }
}
