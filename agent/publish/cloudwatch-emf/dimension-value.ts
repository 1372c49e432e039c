import { createHash } from "node:crypto"

/** Longest value of a dimension, characters (PutMetricData, Dimension). */
const MAX_CHARS = 1024
/** What stands for a label that a series has not: an empty value is not allowed. */
export const NO_VALUE = "(none)"
/** What the overflow set has in place of names. */
export const OVERFLOW = "(overflow)"

/**
 * A name as CloudWatch takes it: ASCII without controls, not blank, at most 1,024 characters. Everything else, and a
 * backslash, is written as `\u00fc`; what is then too long keeps its beginning and gets a hash of the whole. So two names stay
 * two, but for blank ones, which count as none.
 */
export function dimensionValue(name: string): string {
  const plain = /^[ -[\]-~]*$/.test(name)
    ? name
    : name.replaceAll(/[^ -[\]-~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, "0")}`)
  if (plain.trim() === "") return NO_VALUE
  if (plain.length <= MAX_CHARS) return plain
  const hash = createHash("sha256").update(name).digest("hex").slice(0, 16)
  return `${plain.slice(0, MAX_CHARS - hash.length - 1)}~${hash}`
}

/** Longest name of a log group (CreateLogGroup). */
const MAX_GROUP_CHARS = 512

/** The template with the mesh's name in place of `{mesh}`. What a group's name cannot hold becomes `_`. */
export function logGroup(template: string, mesh: string): string {
  return template.replaceAll("{mesh}", () => mesh.replaceAll(/[^\w/.#-]/g, "_")).slice(0, MAX_GROUP_CHARS)
}
