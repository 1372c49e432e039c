import * as z from "zod"
import { lineFilterShape } from "./line-filter-schema.ts"
import { logGroupShape } from "./log-group-schema.ts"

/** Access lines as events in CloudWatch Logs. Region and credentials are found as the AWS SDK finds them. */
export const cloudWatchLogsSchema = z.strictObject({
  ...logGroupShape("/meshscope/{mesh}/access"),
  class: z
    .enum(["STANDARD", "INFREQUENT_ACCESS", "ESSENTIALS"])
    .default("STANDARD")
    .describe(
      "Class of a group that is made here; it cannot be changed later. The others cost less and can do less: check that Logs Insights can do what you need.",
    ),
  ...lineFilterShape,
})
