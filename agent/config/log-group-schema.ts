import * as z from "zod"
import {
  GROUP_PLACEHOLDERS,
  isGroupTemplate,
  isStreamTemplate,
  STREAM_PLACEHOLDERS,
} from "#mesh/cloudwatch/log-names.ts"

/** What PutRetentionPolicy takes (client-cloudwatch-logs, PutRetentionPolicyRequest). */
const RETENTION_DAYS: readonly number[] = [
  1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653,
]
const RETENTION = `expects never or one of ${RETENTION_DAYS.join(", ")}`

const braced = (names: readonly string[]): string => names.map((name) => `{${name}}`).join(", ")
const GROUP = `expects letters, digits and _ - / . # (not aws/ at its beginning), with ${braced(GROUP_PLACEHOLDERS)} for the proxy's own`
const STREAM = `expects letters, digits and _ - / . # @ [ ] = +, with ${braced(STREAM_PLACEHOLDERS)}`

/**
 * Where an output writes log events, and what becomes of groups that are not there.
 * @param group the default, a template
 */
export function logGroupShape(group: string) {
  return {
    group: z
      .string({ error: GROUP })
      .refine(isGroupTemplate, { error: GROUP })
      .default(group)
      .describe(
        "Name of the log group. `{mesh}`, `{flavor}`, `{cluster}`, `{role}` (sidecar or gateway) and `{resource}` (virtual node or gateway) stand for the proxy's own; characters that a group's name may not hold become `_`.",
      ),
    stream: z
      .string({ error: STREAM })
      .refine(isStreamTemplate, { error: STREAM })
      .default("{agent}")
      .describe("Name of the log stream; `{agent}` stands for `agent.id`."),
    create: z
      .boolean()
      .default(true)
      .describe(
        "Whether a log group that is not there is made; needs logs:CreateLogGroup and logs:PutRetentionPolicy. Streams always are, which needs logs:CreateLogStream.",
      ),
    retentionDays: z
      .union(
        [
          z.literal("never"),
          z.number().refine((days) => RETENTION_DAYS.includes(days), { error: RETENTION }),
        ],
        {
          error: RETENTION,
        },
      )
      .default(30)
      .describe(
        "Days after which events of a group that is made here expire. Groups that are there are left alone.",
      ),
  }
}
