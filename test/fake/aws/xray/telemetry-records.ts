import { isObject, type JsonHandler } from "../operation.ts"
import { invalidRequest } from "./put-trace-segments.ts"
import type { XrayStore } from "./store.ts"

/** docs.aws.amazon.com/xray/latest/api/API_PutTelemetryRecords.html */
const LENGTHS: Record<string, number> = { EC2InstanceId: 20, Hostname: 255, ResourceARN: 500 }
const COUNTS = [
  "SegmentsReceivedCount",
  "SegmentsSentCount",
  "SegmentsSpilloverCount",
  "SegmentsRejectedCount",
]
const ERROR_COUNTS = [
  "TimeoutCount",
  "ConnectionRefusedCount",
  "HTTPCode4XXCount",
  "HTTPCode5XXCount",
  "UnknownHostCount",
  "OtherCount",
]

const isCount = (value: unknown): boolean =>
  value === undefined || (Number.isInteger(value) && Number(value) >= 0)

/** client-xray: PutTelemetryRecordsCommand. How many records one call may hold is not documented (the daemon sends 10). */
export function putTelemetryRecords(store: XrayStore): JsonHandler {
  return (input) => {
    const records = input["TelemetryRecords"]
    if (!Array.isArray(records)) throw invalidRequest("TelemetryRecords is missing.")
    for (const [member, most] of Object.entries(LENGTHS)) {
      const value = input[member] ?? ""
      if (typeof value !== "string" || value.length > most) throw invalidRequest(`${member} is too long.`)
    }
    for (const record of records) {
      if (!isObject(record) || typeof record["Timestamp"] !== "number")
        throw invalidRequest("Timestamp is missing.")
      const errors = record["BackendConnectionErrors"] ?? {}
      if (!isObject(errors)) throw invalidRequest("BackendConnectionErrors is not an object.")
      const wrong =
        COUNTS.find((name) => !isCount(record[name])) ?? ERROR_COUNTS.find((name) => !isCount(errors[name]))
      if (wrong !== undefined) throw invalidRequest(`${wrong} is not a count.`)
    }
    store.telemetry.push(...records)
    return {}
  }
}
