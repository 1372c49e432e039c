import * as z from "zod"
import { whereStand } from "#mesh/configuration.ts"

const pem = z.string().min(1)

/** Certificates for https. Files, read again when they are used. */
export const tlsSchema = z
  .strictObject({
    ca: pem
      .optional()
      .describe("File in PEM with the authorities to trust, in place of those of the system."),
    cert: pem.optional().describe("File in PEM with our certificate, where the receiver asks for one."),
    key: pem.optional().describe("File in PEM with its key."),
  })
  .superRefine(({ cert, key }, context) => {
    if ((cert === undefined) === (key === undefined)) return
    context.addIssue({ code: "custom", message: "expects both cert and key" })
  }, whereStand())
export type TlsConfig = z.output<typeof tlsSchema>
