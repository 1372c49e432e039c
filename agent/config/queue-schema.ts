import * as z from "zod"
import { byteSize } from "#mesh/quantities.ts"

/** Where records wait that a receiver does not take now. */
export const queueSchema = z.strictObject({
  bytes: byteSize({ min: "1MiB", max: "1TiB" })
    .prefault("256MiB")
    .describe(
      "Most bytes that wait on disk, for all outputs together, in the folder `queue` below `agent.state`.",
    ),
  drop: z
    .enum(["oldest", "newest"])
    .default("oldest")
    .describe(
      "What leaves when that is reached: the oldest records of the output that holds most, or the ones that come, whatever output they are for. Counted in `mesh_agent_export_dropped_total`.",
    ),
})
