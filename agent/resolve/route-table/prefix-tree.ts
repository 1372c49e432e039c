/**
 * All stored prefixes of a text, found in one walk over its letters: a radix tree whose nodes hold the numbers of the
 * rows that end there. Built once per configuration.
 */
export class PrefixTree {
  readonly #root: TreeNode = { label: "", rows: [], children: new Map() }

  add(prefix: string, row: number): void {
    let node = this.#root
    let rest = prefix
    while (rest !== "") {
      const child = node.children.get(rest.charCodeAt(0))
      if (child === undefined) {
        const leaf: TreeNode = { label: rest, rows: [row], children: new Map() }
        node.children.set(rest.charCodeAt(0), leaf)
        return
      }
      const shared = sharedLength(child.label, rest)
      if (shared < child.label.length) split(child, shared)
      rest = rest.slice(shared)
      node = child
    }
    node.rows.push(row)
  }

  /** Appends to `found` the rows of every stored prefix of `text[0, end)`; not in order. */
  collect(text: string, end: number, found: number[]): void {
    let node = this.#root
    let at = 0
    for (;;) {
      for (const row of node.rows) found.push(row)
      if (at >= end) return
      const child = node.children.get(text.charCodeAt(at))
      if (child === undefined || at + child.label.length > end || !text.startsWith(child.label, at)) return
      at += child.label.length
      node = child
    }
  }
}

interface TreeNode {
  label: string
  rows: number[]
  children: Map<number, TreeNode>
}

function sharedLength(a: string, b: string): number {
  const most = Math.min(a.length, b.length)
  let length = 0
  while (length < most && a.charCodeAt(length) === b.charCodeAt(length)) length += 1
  return length
}

/** Cuts a node in two: it keeps the first letters, and a child takes the rest with what it held. */
function split(node: TreeNode, at: number): void {
  const rest: TreeNode = { label: node.label.slice(at), rows: node.rows, children: node.children }
  node.label = node.label.slice(0, at)
  node.rows = []
  node.children = new Map([[rest.label.charCodeAt(0), rest]])
}
