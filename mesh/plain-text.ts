/** Controls, line and paragraph separators, direction marks, zero-width marks: what can move a cursor or hide text. */
const UNSAFE = /[\p{Cc}\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB]/gu
const UNSAFE_IN_JSON = /[\u007F-\u009F\u061C\u200B\u200E\u200F\u2028-\u202E\u2060-\u2069\uFEFF\uFFF9-\uFFFB]/g

const escaped = (character: string): string => `\\u${character.charCodeAt(0).toString(16).padStart(4, "0")}`

/** A name as a terminal may show it: what would act on the terminal stands as `\u001b`. */
export function plainText(text: string): string {
  return text.replace(UNSAFE, escaped)
}

/** JSON text that a terminal may show; still the same value. Line breaks between values stay. */
export function plainJson(json: string): string {
  return json.replace(UNSAFE_IN_JSON, escaped)
}
