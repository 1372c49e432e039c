/** Most of what a receiver says that is kept, bytes of a body. */
const MAX_BODY_BYTES = 1200
const MAX_WHY_CHARACTERS = 400

/** One line of ASCII: whatever could act on a terminal or a log is a space. */
function oneLine(text: string): string {
  return text.replaceAll(/[^\x20-\x7e]+/g, " ").trim()
}

/** What a receiver wrote, as one line of ASCII, bounded. */
export function bodyLine(body: Buffer): string {
  return oneLine(body.subarray(0, MAX_BODY_BYTES).toString("utf8"))
}

/** Why something failed, for a target's state: one line of ASCII, bounded. */
export function whyLine(text: string): string {
  const line = oneLine(text)
  return line.length <= MAX_WHY_CHARACTERS ? line : `${line.slice(0, MAX_WHY_CHARACTERS)}...`
}
