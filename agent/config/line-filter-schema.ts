import * as z from "zod"

/** Which access lines an output is given, and what of them. Spread into the schema of each output that takes lines. */
export const lineFilterShape = {
  healthChecks: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe(
      "Whether requests of health checkers that were answered well are sent. Failed ones always are.",
    ),
  sample2xx: z
    .number({ error: "expects a share from 0 to 1" })
    .min(0, { error: "expects a share from 0 to 1" })
    .max(1, { error: "expects a share from 0 to 1" })
    .default(1)
    .describe(
      "Share of the requests that went well with a 2xx that is sent, such as 0.1. All proxies on a request's way choose the same requests, by request id. Everything else is always sent.",
    ),
  query: z
    .enum(["drop", "keep"])
    .default("drop")
    .describe(
      "Whether paths keep what stands behind `?`. Queries often hold tokens and names of people, and logs are read by many.",
    ),
} as const
