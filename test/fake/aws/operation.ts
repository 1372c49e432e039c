import type { IncomingHttpHeaders } from "node:http"
import { type Answer, Refusal, type Wire } from "./refusal.ts"

/** Every call that the fake takes: the SigV4 service (or `otlp`), and the operation. */
export const APIS = [
  "ecs:DescribeTaskDefinition",
  "ecs:DescribeTasks",
  "ecs:ListTasks",
  "logs:CreateLogGroup",
  "logs:CreateLogStream",
  "logs:DescribeLogGroups",
  "logs:PutLogEvents",
  "logs:PutRetentionPolicy",
  "xray:GetSamplingRules",
  "xray:GetSamplingStatisticSummaries",
  "xray:GetSamplingTargets",
  "xray:PutTelemetryRecords",
  "xray:PutTraceSegments",
  "monitoring:PutMetricData",
  "otlp:metrics",
  "otlp:logs",
  "otlp:traces",
  "aps:RemoteWrite",
] as const
export type ApiName = (typeof APIS)[number]

/** One call after it was authenticated and inflated. */
export interface Call {
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: Buffer
  readonly nowMs: number
  /** How many of its first records are to be refused (fault `refuse`), and with which code. */
  readonly refuse: { readonly first: number; readonly code: string | undefined } | undefined
}

export interface Operation {
  readonly api: ApiName
  /** The service that the signature's scope must name. */
  readonly service: "ecs" | "logs" | "xray" | "monitoring" | "aps"
  readonly wire: Wire
  /** How the service says "too many calls". */
  readonly throttle: { readonly code: string; readonly status: number }
  /** Whether it inflates gzip. */
  readonly gzip: boolean
  /** @throws Refusal */
  run(call: Call): Answer | Promise<Answer>
}

/** A JSON object from a caller, of which nothing is known. */
export type Input = Readonly<Record<string, unknown>>

export const isObject = (value: unknown): value is Input =>
  typeof value === "object" && value !== null && !Array.isArray(value)

/** What one operation of a JSON API does. @throws Refusal */
export type JsonHandler = (input: Input, call: Call) => unknown

/** An operation's `run` that reads and writes JSON. An empty body is an empty input. */
export function jsonRun(wire: Wire, handler: JsonHandler): Operation["run"] {
  const type = wire === "rest-json" ? "application/json" : `application/x-amz-${wire}`
  return (call) => {
    const contentType = call.headers["content-type"] ?? ""
    // smithy.io (aws.protocols#awsJson1_1): the content type is required. For REST it is not checked
    if (wire !== "rest-json" && contentType !== type) {
      throw new Refusal("UnknownOperationException", `content type ${contentType} is not ${type}`, {
        status: 404,
      })
    }
    const output = handler(parsed(call.body), call)
    return { status: 200, headers: { "content-type": type }, body: JSON.stringify(output) }
  }
}

function parsed(body: Buffer): Input {
  if (body.length === 0) return {}
  let input: unknown
  try {
    input = JSON.parse(body.toString("utf8"))
  } catch {
    throw new Refusal("SerializationException", "The body is not JSON.")
  }
  if (!isObject(input)) throw new Refusal("SerializationException", "The body is not a JSON object.")
  return input
}
