/**
 * Cuts a text of several JSON values behind one another (`aws appmesh describe-… >> snapshot.json`) into single values.
 * A text that holds one value, or something else than JSON objects and lists, comes back as it is.
 */
export function jsonTexts(text: string): string[] {
  const parts: string[] = []
  let depth = 0
  let start = 0
  for (let index = 0; index < text.length; index += 1) {
    const character = text[index]
    if (character === '"') index = endOfString(text, index)
    else if (character === "{" || character === "[") depth += 1
    else if (character === "}" || character === "]") {
      depth -= 1
      if (depth === 0) {
        parts.push(text.slice(start, index + 1))
        start = index + 1
      }
    }
  }
  const rest = text.slice(start).trim()
  if (parts.length < 2 || depth !== 0 || rest !== "") return [text]
  return parts
}

function endOfString(text: string, start: number): number {
  for (let index = start + 1; index < text.length; index += 1) {
    if (text[index] === "\\") index += 1
    else if (text[index] === '"') return index
  }
  return text.length
}
