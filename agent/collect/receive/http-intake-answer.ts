/** What a body was made of, by its content type. */
export type BodyForm = "json" | "protobuf"

/** What the agent says to one body. */
export type Taken =
  /** `rejected` of its spans are no good, and `why` tells of one of them. */
  | { readonly kind: "taken"; readonly rejected: number; readonly why?: string }
  /** Not now: what waits to be passed on is too much. Nothing of it was taken. */
  | { readonly kind: "busy"; readonly afterS?: number }

export interface Answer {
  readonly status: number
  readonly type: string
  readonly body: Uint8Array
}

/** How a protocol words its answers. */
export interface AnswerForm {
  success(form: BodyForm, rejected: number, why: string): Answer
  /** `form` is undefined where the content type was not understood. */
  failure(status: number, form: BodyForm | undefined, why: string): Answer
}

const TYPES = { json: "application/json", protobuf: "application/x-protobuf" } as const
const TEXT = "text/plain; charset=utf-8"
const NOTHING = new Uint8Array()

/** The form of a body; parameters such as `charset` are passed over. */
export function formOf(contentType: string | undefined): BodyForm | undefined {
  const type = (contentType ?? "").split(";")[0]?.trim().toLowerCase()
  if (type === TYPES.json) return "json"
  return type === TYPES.protobuf || type === "application/protobuf" ? "protobuf" : undefined
}

/** Zipkin's server answers 202 without a body, and errors as text (zipkin.io/zipkin-api). */
export const ZIPKIN_ANSWERS: AnswerForm = {
  success: () => ({ status: 202, type: TEXT, body: NOTHING }),
  failure: (status, _form, why) => ({ status, type: TEXT, body: Buffer.from(`${why}\n`) }),
}

/** Codes of google.rpc.Status by HTTP status (opentelemetry.io/docs/specs/otlp, "Failures"). */
const RPC_CODES: ReadonlyMap<number, number> = new Map([
  [400, 3],
  [404, 12],
  [405, 12],
  [408, 4],
  [413, 8],
  [415, 3],
  [429, 8],
  [503, 14],
])
const UNKNOWN = 2

/** OTLP answers in the form of the request: ExportTraceServiceResponse, or google.rpc.Status. */
export const OTLP_ANSWERS: AnswerForm = {
  success: (form, rejected, why) => ({
    status: 200,
    type: TYPES[form],
    body: form === "json" ? jsonSuccess(rejected, why) : protobufSuccess(rejected, why),
  }),
  failure(status, form, why) {
    if (form === undefined) return { status, type: TEXT, body: Buffer.from(`${why}\n`) }
    const code = RPC_CODES.get(status) ?? UNKNOWN
    const body =
      form === "json"
        ? Buffer.from(JSON.stringify({ code, message: why }))
        : Buffer.concat([Buffer.from([8, code]), field(18, Buffer.from(why))])
    return { status, type: TYPES[form], body }
  },
}

function jsonSuccess(rejected: number, why: string): Buffer {
  const partialSuccess = { rejectedSpans: String(rejected), errorMessage: why }
  return Buffer.from(JSON.stringify(rejected === 0 ? {} : { partialSuccess }))
}

/** partial_success 1 { rejected_spans 1, error_message 2 }; no bytes when all was taken. */
export function protobufSuccess(rejected: number, why: string): Uint8Array {
  if (rejected === 0) return NOTHING
  return field(10, Buffer.concat([Buffer.from([8, ...varint(rejected)]), field(18, Buffer.from(why))]))
}

function field(tag: number, bytes: Buffer): Buffer {
  return Buffer.concat([Buffer.from([tag, ...varint(bytes.length)]), bytes])
}

function varint(value: number): number[] {
  const bytes: number[] = []
  let rest = value
  for (; rest > 127; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return [...bytes, rest]
}
