import type { FieldName, FormatAbilities } from "#mesh/access.ts"
import { furtherNames } from "./header-names.ts"

/** What the loggers of a proxy that stream entries add to them. Names in lower case. */
export interface AlsFormat {
  /** `additional_request_headers_to_log`. */
  readonly requestHeaders: readonly string[]
  /** `grpc-status` is among the logged headers and trailers of answers. */
  readonly grpcStatus: boolean
}

/** Every entry has these, where its request had them. */
const FIELDS: readonly FieldName[] = [
  "startTime",
  "method",
  "path",
  "originalPath",
  "authority",
  "protocol",
  "details",
  "flags",
  "upstreamCluster",
  "upstreamHost",
  "routeName",
  "userAgent",
  "requestId",
  "downstreamLocal",
  "downstreamRemote",
  "termination",
]
const TRACES = ["x-amzn-trace-id", "traceparent"]

/** What entries can tell: more than most formats of lines, and nothing that a caller could forge. */
export function abilitiesOf({ requestHeaders, grpcStatus }: AlsFormat): FormatAbilities {
  const has = (name: string): boolean => requestHeaders.includes(name)
  return {
    fields: [
      ...FIELDS,
      ...(TRACES.some(has) ? (["traceId"] as const) : []),
      ...(has("content-type") ? (["contentType"] as const) : []),
    ],
    headers: furtherNames(requestHeaders),
    grpcStatus,
    attempts: true,
    durations: true,
    forgeable: false,
  }
}
