import type { FakeLogs } from "../logs/store.ts"
import type { Call } from "../operation.ts"
import { type Answer, Refusal } from "../refusal.ts"
import type { OtlpRecord, OtlpStore } from "./store.ts"
import { attributesOf, type Codec, type Fields, fieldsOf, listOf } from "./wire.ts"

/**
 * docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/CloudWatch-OTLPEndpoint.html: both headers are required, both must
 * exist; the codes are not documented. Events over 1 MB are cut by the service, so no size is refused here, and what a
 * record looks like as an event of the log is not documented, so it is kept as a record only. @throws Refusal
 */
export function takeLogs(store: OtlpStore, logs: FakeLogs, codec: Codec, call: Call): Answer {
  const group = header(call, "x-aws-log-group")
  const stream = header(call, "x-aws-log-stream")
  if (logs.groups.get(group)?.streams.has(stream) !== true)
    throw new Refusal("ResourceNotFoundException", "The specified log group or log stream does not exist.")
  const records = recordsOf(codec.read(call).fields, group, stream)
  const taken = records.slice(call.refuse?.first ?? 0)
  store.records.push(...taken)
  return codec.answer(call, records.length - taken.length, "Some log records were not taken.")
}

function header({ headers }: Call, name: string): string {
  const value = headers[name]
  if (typeof value !== "string" || value === "")
    throw new Refusal("ValidationException", `The header ${name} is missing.`)
  return value
}

function recordsOf(request: Fields, group: string, stream: string): OtlpRecord[] {
  return listOf(request["resourceLogs"]).flatMap(({ resource, scopeLogs }) =>
    listOf(scopeLogs).flatMap(({ logRecords }) =>
      listOf(logRecords).map((record) => ({
        group,
        stream,
        resource: attributesOf(fieldsOf(resource)["attributes"]),
        attributes: attributesOf(record["attributes"]),
        record,
      })),
    ),
  )
}
