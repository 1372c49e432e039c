/**
 * A sentence on as many lines as it takes, broken between words; what follows the first is indented by two. A word that is
 * longer, such as an address, is never broken.
 * @param width of the terminal; undefined: one line
 */
export function wrappedText(text: string, width: number | undefined): string {
  if (width === undefined || text.length <= width) return text
  const indent = /^ */.exec(text)?.[0] ?? ""
  const lines: string[] = []
  let line = ""
  for (const word of text.trim().split(" ")) {
    const longer = line === "" ? (lines.length === 0 ? indent : `${indent}  `) + word : `${line} ${word}`
    if (longer.length <= width || line === "") line = longer
    else {
      lines.push(line)
      line = `${indent}  ${word}`
    }
  }
  return [...lines, line].join("\n")
}
