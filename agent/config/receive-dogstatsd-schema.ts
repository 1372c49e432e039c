import * as z from "zod"
import { listenAddressSchema } from "#mesh/address.ts"
import { byteSize, duration } from "#mesh/quantities.ts"

const series = { error: "expects a whole number from 100 to 200000" }

/** Stats that Envoys send. */
export const receiveDogStatsdSchema = z.strictObject({
  listen: listenAddressSchema()
    .prefault("127.0.0.1:8125")
    .describe(
      "Where Envoy's DogStatsD sink is taken, UDP; App Mesh's images send to this address (`STATSD_ADDRESS`, `STATSD_PORT`). Only this host reaches the default.",
    ),
  silence: duration({ min: "5s", max: "1h" })
    .prefault("30s")
    .describe(
      "After which time without stats a proxy counts as down. At least two of its flush intervals (5 s unless configured).",
    ),
  hold: duration({ min: "1s", max: "5m" })
    .prefault("30s")
    .describe("How long stats of an unknown sender wait for a target with its address to be discovered."),
  maxSeries: z
    .int(series)
    .min(100, series)
    .max(200_000, series)
    .default(20_000)
    .describe("Most series of one sender. Lines of others are dropped and counted."),
  buffer: byteSize({ min: "1MiB", max: "1GiB" })
    .prefault("64MiB")
    .describe("Most bytes of what is held: names of series, and what waits for its target."),
  receiveBuffer: byteSize({ min: "64KiB", max: "256MiB" })
    .prefault("8MiB")
    .describe(
      "Room for datagrams that wait to be read, asked of the kernel, which gives no more than `net.core.rmem_max`.",
    ),
  share: z
    .number({ error: "expects a number from 0.05 to 1" })
    .min(0.05, { error: "expects a number from 0.05 to 1" })
    .max(1, { error: "expects a number from 0.05 to 1" })
    .default(0.5)
    .describe(
      "Most of the agent's working time that these stats may take. What goes beyond is dropped and counted.",
    ),
})
export type ReceiveDogStatsdConfig = z.output<typeof receiveDogStatsdSchema>
