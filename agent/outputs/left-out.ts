import type { OutputDeps } from "./output.ts"

/** Tells, by reason, of what an output was given and does not send: it is not meant to, or its form has no place for it. */
export function observeLeftOut(
  sink: string,
  counts: () => Readonly<Record<string, number>>,
  { telemetry }: Pick<OutputDeps, "telemetry">,
): void {
  telemetry.observe("exportLeftOut", (tell) => {
    for (const [reason, count] of Object.entries(counts())) tell(count, { sink, reason })
  })
}
