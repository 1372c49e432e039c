import * as z from "zod"
import { listenAddressSchema } from "#mesh/address.ts"
import { byteSize } from "#mesh/quantities.ts"

const path = z
  .string()
  .regex(/^\/[A-Za-z0-9][A-Za-z0-9/-]{0,99}$/, { error: "expects a path such as /TraceSummaries" })

/** What stands in for the X-Ray daemon. */
export const receiveXraySchema = z.strictObject({
  udp: listenAddressSchema()
    .prefault("127.0.0.1:2000")
    .describe(
      "Where segments are taken. Sidecars send to 127.0.0.1 of their own pod; write the host's address where `AWS_XRAY_DAEMON_ADDRESS` names it.",
    ),
  tcp: listenAddressSchema()
    .prefault("127.0.0.1:2000")
    .describe(
      "Where the calls of tracing libraries for sampling rules are taken; they are signed with the agent's credentials. Everyone who reaches this address can make them.",
    ),
  paths: z
    .array(path)
    .max(20)
    .default([])
    .describe(
      "Further paths of X-Ray's API to sign, such as `/TraceSummaries`. Sampling calls are always signed; each path here is open to everyone who reaches `tcp`.",
    ),
  receiveBuffer: byteSize({ min: "64KiB", max: "256MiB" })
    .prefault("8MiB")
    .describe(
      "Room for segments that wait to be read, asked of the kernel, which gives no more than `net.core.rmem_max`.",
    ),
  share: z
    .number({ error: "expects a number from 0.05 to 1" })
    .min(0.05, { error: "expects a number from 0.05 to 1" })
    .max(1, { error: "expects a number from 0.05 to 1" })
    .default(0.5)
    .describe(
      "Most of the agent's working time that segments may take, so that a flood of them does not keep it from counting requests. What goes beyond is dropped and counted.",
    ),
})
