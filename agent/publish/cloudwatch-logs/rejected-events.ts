import type { RejectedLogEventsInfo } from "@aws-sdk/client-cloudwatch-logs"

/**
 * Which events of a request were not taken, by position, with our word for why. Events are in order of time, so the service
 * tells ends: too old and expired before theirs (exclusive), too new from theirs on (inclusive)
 * (client-cloudwatch-logs, RejectedLogEventsInfo).
 */
export function rejectedEvents(info: RejectedLogEventsInfo | undefined, count: number): Map<number, string> {
  const rejected = new Map<number, string>()
  const oldEnd = Math.min(count, info?.tooOldLogEventEndIndex ?? 0)
  const expiredEnd = Math.min(count, info?.expiredLogEventEndIndex ?? 0)
  const newStart = Math.max(0, info?.tooNewLogEventStartIndex ?? count)
  // What is both is called too old: no setting of the group could have kept it.
  for (let at = 0; at < oldEnd; at++) rejected.set(at, "too_old")
  for (let at = oldEnd; at < expiredEnd; at++) rejected.set(at, "expired")
  for (let at = newStart; at < count; at++) rejected.set(at, "too_new")
  return rejected
}
