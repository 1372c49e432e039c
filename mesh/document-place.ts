import { type Document, isAlias, isCollection, isMap, isNode, isScalar } from "yaml"

/** The parsed value at a path; undefined where it is missing. Own properties only. */
export function valueAt(input: unknown, path: readonly PropertyKey[]): unknown {
  let value = input
  for (const key of path) {
    if (typeof value !== "object" || value === null || !Object.hasOwn(value, key)) return undefined
    value = Reflect.get(value, key)
  }
  return value
}

/** Node at a path, or undefined when the file does not have it. Aliases are followed. */
export function nodeAt(document: Document, path: readonly PropertyKey[]): unknown {
  let node: unknown = document.contents
  for (const key of path) {
    if (isAlias(node)) node = node.resolve(document)
    if (!isCollection(node)) return undefined
    node = node.get(key, true)
  }
  return node
}

/** Where to point: at the value, for an unknown key at the key, for what is missing at the nearest thing above it. */
export function offsetOf(document: Document, path: readonly PropertyKey[], onKey: boolean): number {
  const node = nodeAt(document, path)
  if (!onKey && isNode(node) && node.range && node.range[0] < node.range[1]) return node.range[0]
  if (path.length === 0) return 0
  const parent = nodeAt(document, path.slice(0, -1))
  const pair = isMap(parent)
    ? parent.items.find((item) => isScalar(item.key) && String(item.key.value) === String(path.at(-1)))
    : undefined
  if (isNode(pair?.key) && pair.key.range) return pair.key.range[0]
  if (isNode(node) && node.range && !isMap(parent)) return node.range[0]
  return offsetOf(document, path.slice(0, -1), true)
}

/** The value as the file has it, short; what came from the environment is never printed. */
export function display(node: unknown, value: unknown, touched: ReadonlySet<unknown>): string {
  if (touched.has(node))
    return `the value of ${isScalar(node) ? (node.source ?? "a variable") : "a variable"}`
  if (Array.isArray(value)) return "a list"
  if (typeof value === "object" && value !== null) return "a mapping"
  const text = JSON.stringify(value) ?? "nothing"
  return text.length > 60 ? `${text.slice(0, 57)}…` : text
}

/** `scrape.interval`, `targets[0].admin`, `headers["x.y"]`. */
export function pathText(path: readonly PropertyKey[]): string {
  return path.reduce<string>((text, key) => {
    if (typeof key === "number") return `${text}[${key}]`
    const name = String(key)
    if (!/^[\w-]+$/.test(name)) return `${text}[${JSON.stringify(name)}]`
    return text === "" ? name : `${text}.${name}`
  }, "")
}
