import { hash } from "node:crypto"
import * as z from "zod"

/** Who has a place, and what was told this month. */
const capState = z.object({
  v: z.literal(1),
  kind: z.enum(["hour", "month"]),
  period: z.number(),
  weighedMs: z.number(),
  members: z.array(z.object({ key: z.string(), set: z.string(), weight: z.number() })),
  meshes: z.array(z.string()),
  month: z.number(),
  /** Distinct metrics told in the month, as hashes of 48 bits. */
  told: z.array(z.number()),
})
export type CapState = Omit<z.output<typeof capState>, "v">

export function encodeCap(state: CapState): Uint8Array {
  return Buffer.from(JSON.stringify({ v: 1, ...state }))
}

/** Undefined for what this version did not write: then all places are free. */
export function decodeCap(bytes: Uint8Array): CapState | undefined {
  try {
    const parsed = capState.safeParse(JSON.parse(Buffer.from(bytes).toString()))
    return parsed.success ? parsed.data : undefined
  } catch {
    return undefined
  }
}

/** A metric of a group as a number: few bytes each, and two of a million are alike once in 600 times. */
export function metricId(groupKey: string, metric: number): number {
  return hash("sha1", `${metric} ${groupKey}`, "buffer").readUIntBE(0, 6)
}
