/** What a connection manager does to a path before it matches routes. */
export interface PathRules {
  readonly normalizePath: boolean
  readonly mergeSlashes: boolean
}

/**
 * The path as Envoy matches it: RFC 3986 normalisation (`normalize_path`: dots resolved, escapes of unreserved letters
 * undone, `\` as `/`), then slashes merged. Envoy rewrites `:path` itself, so a logged path is mostly normal already;
 * doing it again changes nothing then. The query is left alone.
 * @returns undefined for a path that Envoy refuses to normalise (`path_normalization_failed`): one that holds a NUL
 */
export function normalizedPath(path: string, rules: PathRules): string | undefined {
  if ((!rules.normalizePath && !rules.mergeSlashes) || isNormal(path)) return path
  const end = pathEnd(path)
  let head = path.slice(0, end)
  if (rules.normalizePath && head.includes("%00")) return undefined
  if (rules.normalizePath) head = resolveDots(unescape(head).replaceAll("\\", "/"))
  if (rules.mergeSlashes) head = head.replaceAll(/\/{2,}/g, "/")
  return head + path.slice(end)
}

/** Neither `//`, `/.`, `%` nor a backslash: nothing to do, as for nearly every path. */
function isNormal(path: string): boolean {
  let slash = false
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index)
    if (code === 0x25 || code === 0x5c || (slash && (code === 0x2f || code === 0x2e))) return false
    slash = code === 0x2f
  }
  return true
}

/** Where the query or fragment begins: routes match what stands before. */
export function pathEnd(path: string): number {
  for (let index = 0; index < path.length; index += 1) {
    const code = path.charCodeAt(index)
    if (code === 0x3f || code === 0x23) return index
  }
  return path.length
}

/** `%41` becomes `A`; reserved letters (`%2F`) stay escaped. */
function unescape(path: string): string {
  return path.replaceAll(/%([0-9A-Fa-f]{2})/g, (escape, hex: string) => {
    const letter = String.fromCharCode(Number.parseInt(hex, 16))
    return /[A-Za-z0-9\-._~]/.test(letter) ? letter : escape
  })
}

function resolveDots(path: string): string {
  if (!path.startsWith("/") || !path.includes("/.")) return path
  const kept: string[] = []
  const segments = path.slice(1).split("/")
  for (const [index, segment] of segments.entries()) {
    const last = index === segments.length - 1
    if (segment === "..") kept.pop()
    else if (segment !== ".") {
      kept.push(segment)
      continue
    }
    // A path that ends in a dot segment ends in a slash.
    if (last) kept.push("")
  }
  return `/${kept.join("/")}`
}
