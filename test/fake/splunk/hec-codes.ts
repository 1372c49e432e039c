/**
 * help.splunk.com, "Troubleshoot HTTP Event Collector", possible error codes: code, status, text. 17 to 22 are the health
 * endpoint's. 24 to 27 as other senders' public tables have them.
 */
export const HEC_CODES = {
  success: [0, 200, "Success"],
  tokenDisabled: [1, 403, "Token disabled"],
  tokenRequired: [2, 401, "Token is required"],
  invalidAuthorization: [3, 401, "Invalid authorization"],
  invalidToken: [4, 403, "Invalid token"],
  noData: [5, 400, "No data"],
  invalidFormat: [6, 400, "Invalid data format"],
  incorrectIndex: [7, 400, "Incorrect index"],
  internalError: [8, 500, "Internal server error"],
  busy: [9, 503, "Server is busy"],
  channelMissing: [10, 400, "Data channel is missing"],
  invalidChannel: [11, 400, "Invalid data channel"],
  eventRequired: [12, 400, "Event field is required"],
  eventBlank: [13, 400, "Event field cannot be blank"],
  ackDisabled: [14, 400, "ACK is disabled"],
  indexedFields: [15, 400, "Error in handling indexed fields"],
  shuttingDown: [23, 503, "Server is shutting down"],
  queueNearlyFull: [24, 200, "HEC queue is approaching its capacity limit"],
  queueFull: [26, 429, "HEC queue is at capacity and cannot process any more requests"],
  ackFull: [27, 429, "HEC ACK channel is at capacity and cannot process any more requests"],
} as const satisfies Record<string, readonly [code: number, status: number, text: string]>
export type HecCode = keyof typeof HEC_CODES

export class HecRefusal extends Error {
  readonly code: HecCode
  readonly event: number | undefined
  constructor(code: HecCode, event?: number) {
    super(HEC_CODES[code][2])
    this.code = code
    this.event = event
  }
}
