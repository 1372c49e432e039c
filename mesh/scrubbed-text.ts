import type { Environment } from "./interpolation.ts"

/** Names of variables and headers that carry secrets. */
const SECRET_NAME = /authorization|cookie|token|secret|passw|credential|api[-_]?key|access[-_]?key|private/i
/** A shorter value is no secret worth the name, and would blacken half of a text. */
const LEAST = 6
const INSTEAD = "(left out)"

/** What secrets look like, wherever they stand. */
const LOOKS: readonly (readonly [RegExp, string])[] = [
  [/-----BEGIN [A-Z ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z ]*PRIVATE KEY-----|$)/g, INSTEAD],
  [/\b(Bearer|Basic|Splunk)\s+[\w.~+/=-]{6,}/gi, `$1 ${INSTEAD}`],
  [/\beyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*/g, INSTEAD],
  [/\b(?:AKIA|ASIA)[A-Z0-9]{16}\b/g, INSTEAD],
  [/(\/\/)[^\s/@"']+:[^\s/@"']+@/g, `$1${INSTEAD}@`],
]

/**
 * A text that may be given away: values of the environment's secrets, and whatever looks like a token, a key or a password
 * in an address, are left out.
 */
export function scrubbedText(text: string, env: Environment): string {
  const values = Object.entries(env)
    .flatMap(([name, value]) => (value !== undefined && SECRET_NAME.test(name) ? [value.trim()] : []))
    .filter((value) => value.length >= LEAST)
    // A secret that holds another goes first.
    .toSorted((a, b) => b.length - a.length)
  const known = values.reduce((rest, value) => rest.replaceAll(value, INSTEAD), text)
  return LOOKS.reduce((rest, [look, instead]) => rest.replaceAll(look, instead), known)
}
