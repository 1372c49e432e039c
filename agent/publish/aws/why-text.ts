const MAX_CHARACTERS = 400

/** One line for a target's state: no control characters, bounded. */
export function whyText(text: string): string {
  const plain = text.replaceAll(/[^\u0020-\u007e]+/g, " ").trim()
  return plain.length <= MAX_CHARACTERS ? plain : `${plain.slice(0, MAX_CHARACTERS)}...`
}
