import * as z from "zod"
import { listenAddressSchema } from "#mesh/address.ts"
import { byteSize, duration } from "#mesh/quantities.ts"

/** Access log entries that proxies stream by gRPC. */
export const receiveAccessLogsSchema = z.strictObject({
  listen: listenAddressSchema()
    .prefault("127.0.0.1:18090")
    .describe(
      "Where Envoy's access log service is taken, gRPC without TLS. Only this host reaches the default; write the host's address where proxies send to it.",
    ),
  hosts: z
    .array(z.string().min(1).max(253))
    .max(32)
    .default([])
    .describe(
      "Further names and addresses under which proxies reach this agent, such as that of a service in front of it. A proxy whose logger leads to one of them is counted from what it streams.",
    ),
  hold: duration({ min: "1s", max: "5m" })
    .prefault("30s")
    .describe("How long entries wait for their proxy to be discovered and its configuration to be read."),
  buffer: byteSize({ min: "1MiB", max: "1GiB" })
    .prefault("32MiB")
    .describe(
      "Most bytes of entries that are held, waiting or coming in. What goes beyond is dropped and counted.",
    ),
  maxMessageBytes: byteSize({ min: "64KiB", max: "64MiB" })
    .prefault("4MiB")
    .describe(
      "Largest message. A larger one ends its stream. Envoy sends some 16 KiB (`buffer_size_bytes`).",
    ),
  maxConnections: z
    .int({ error: "expects a whole number from 1 to 10000" })
    .min(1, { error: "expects a whole number from 1 to 10000" })
    .max(10_000, { error: "expects a whole number from 1 to 10000" })
    .default(1024)
    .describe("Most connections at one time; an Envoy makes one for each worker."),
})
export type ReceiveAccessLogsConfig = z.output<typeof receiveAccessLogsSchema>
