import * as z from "zod"
import { whereStand } from "#mesh/configuration.ts"

/** Names of headers that carry secrets. Their values come from a file or a variable, never from the configuration itself. */
const SECRET = /authorization|cookie|token|secret|password|credential|api[-_]?key|access[-_]?key/i
const FIELD_NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]{1,128}$/
/** Visible ASCII, space and tab: what a header may hold without being read as two headers. */
const FIELD_VALUE = /^[\t\u0020-\u007E]*$/

export const secretReference = z
  .strictObject({
    file: z
      .string()
      .min(1)
      .optional()
      .describe("File whose trimmed content is the value; read again when used."),
    env: z.string().min(1).optional().describe("Environment variable whose content is the value."),
    prefix: z.string().regex(FIELD_VALUE).default("").describe("Text before the value, such as `Bearer `."),
  })
  .superRefine(({ file, env }, context) => {
    if ((file === undefined) !== (env === undefined)) return
    context.addIssue({ code: "custom", message: "expects either file or env" })
  }, whereStand())
export type SecretReference = z.output<typeof secretReference>

/** Request headers by name. A header with a secret takes `{file: …}` or `{env: …}` instead of a text. */
export const headersSchema = z
  .record(
    z.string().regex(FIELD_NAME, { error: "is not a header name" }),
    z.union([z.string().regex(FIELD_VALUE, { error: "expects visible ASCII characters" }), secretReference], {
      error: "expects a text, {file: …} or {env: …}",
    }),
  )
  .superRefine((headers, context) => {
    for (const [name, value] of Object.entries(headers)) {
      if (typeof value !== "string" || !SECRET.test(name)) continue
      context.addIssue({
        code: "custom",
        path: [name],
        message:
          "carries a secret, which does not belong into a configuration; write {file: /path} or {env: NAME}, with prefix: for a scheme",
      })
    }
  }, whereStand())
export type HeadersConfig = z.output<typeof headersSchema>
