import { FLAGS, OTHER_FLAG } from "#mesh/flags.ts"
import { put } from "./bytes.ts"
import { memberHead } from "./line-members.ts"

const HEAD = memberHead("flags")
const SORTED = [...FLAGS, { name: "other", bit: OTHER_FLAG }].toSorted((a, b) =>
  a.name === "other" ? 1 : b.name === "other" ? -1 : a.name < b.name ? -1 : 1,
)
const NAMES = SORTED.map(({ name }) => Buffer.from(name))
const BITS = Int32Array.from(SORTED, ({ bit }) => bit)
const NONE = Buffer.from(`${HEAD.toString()}"-"`)
const QUOTE = 0x22
const COMMA = 0x2c
/** All flags at once. */
export const FLAGS_MOST_BYTES = NAMES.reduce((sum, name) => sum + name.length + 1, HEAD.length + 2)

/** Writes the member `flags`; nothing when the format does not tell any (-1). */
export function writeFlags(out: Buffer, to: number, bits: number): number {
  if (bits < 0) return to
  if (bits === 0) return put(out, to, NONE)
  to = put(out, to, HEAD)
  out[to++] = QUOTE
  let separate = false
  for (let index = 0; index < BITS.length; index++) {
    if ((bits & (BITS[index] ?? 0)) === 0) continue
    if (separate) out[to++] = COMMA
    separate = true
    const name = NAMES[index]
    if (name !== undefined) to = put(out, to, name)
  }
  out[to++] = QUOTE
  return to
}
