import * as z from "zod"
import { listenAddressSchema } from "#mesh/address.ts"
import { byteSize, duration } from "#mesh/quantities.ts"
import { secretReference } from "./header-schema.ts"

/** Output of containers that a log driver or router sends. */
export const receiveForwardSchema = z.strictObject({
  listen: listenAddressSchema()
    .prefault("127.0.0.1:24224")
    .describe(
      "Where Fluent's forward protocol is taken, TCP without TLS; UDP heartbeats at the same port are answered. Only this host reaches the default.",
    ),
  socket: z
    .string()
    .min(1)
    .max(107)
    .optional()
    .describe("Path of a Unix socket where the same is taken. Absent: none."),
  sharedKey: secretReference
    .optional()
    .describe("Key that senders must prove to know (`shared_key`). Absent: nothing is asked of them."),
  hold: duration({ min: "1s", max: "5m" })
    .prefault("30s")
    .describe("How long lines wait for their proxy to be discovered and its configuration to be read."),
  buffer: byteSize({ min: "1MiB", max: "1GiB" })
    .prefault("64MiB")
    .describe("Most bytes that are held, waiting or coming in. What goes beyond is dropped and counted."),
  maxMessageBytes: byteSize({ min: "64KiB", max: "256MiB" })
    .prefault("16MiB")
    .describe("Largest message. A larger one ends its connection."),
  maxInflatedBytes: byteSize({ min: "64KiB", max: "1GiB" })
    .prefault("64MiB")
    .describe("Largest message after decompression."),
  maxConnections: z
    .int({ error: "expects a whole number from 1 to 10000" })
    .min(1, { error: "expects a whole number from 1 to 10000" })
    .max(10_000, { error: "expects a whole number from 1 to 10000" })
    .default(1024)
    .describe("Most connections at one time; Docker makes one for each container."),
})
export type ReceiveForwardConfig = z.output<typeof receiveForwardSchema>
