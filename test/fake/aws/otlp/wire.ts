import {
  create,
  type DescMessage,
  fromBinary,
  fromJson,
  type JsonValue,
  type Message,
  toBinary,
  toJsonString,
} from "@bufbuild/protobuf"
import { isReflectMessage, reflect } from "@bufbuild/protobuf/reflect"
import { otlpMessage, type Plain, plain } from "../../../fixtures/ledger/otlp-schema.ts"
import { type Call, isObject } from "../operation.ts"
import { type Answer, Refusal } from "../refusal.ts"

/** Fields of a decoded message. */
export type Fields = { [field: string]: Plain }

export interface Decoded {
  readonly fields: Fields
  /** Bytes of each metric, record or span as protobuf, in the order of the request. */
  readonly itemBytes: readonly number[]
}

/** One signal's request and response, by the protocol's own descriptors. */
export interface Codec {
  /** The request as plain objects: bytes as hexadecimal, 64-bit numbers as bigint, one-ofs as `{ case: value }`. @throws Refusal */
  read(call: Call): Decoded
  /** The response in the request's encoding; partial success when `rejected` is more than 0. */
  answer(call: Call, rejected: number, message: string): Answer
}

/**
 * @param rejectedField the response's field for how many were not taken, in the schema's words
 * @param path the lists of the request that lead to its items
 */
export async function makeCodec(
  signal: string,
  rejectedField: string,
  path: readonly string[],
): Promise<Codec> {
  const name = `${signal[0]?.toUpperCase()}${signal.slice(1)}`
  // the package's folder is called `trace`, its messages `ExportTrace...`; the other signals are as they are
  const full = `opentelemetry.proto.collector.${signal}.v1.Export${name}Service`
  const request = await otlpMessage(`${full}Request`)
  const response = await otlpMessage(`${full}Response`)
  return {
    read(call) {
      const message = decoded(request, call)
      return { fields: fieldsOf(plain(message)), itemBytes: itemBytes(request, message, path) }
    },
    answer(call, rejected, errorMessage) {
      const body = rejected > 0 ? { partialSuccess: { [rejectedField]: BigInt(rejected), errorMessage } } : {}
      const message = create(response, withNested(response, body))
      return isJson(call)
        ? {
            status: 200,
            headers: { "content-type": "application/json" },
            body: toJsonString(response, message),
          }
        : {
            status: 200,
            headers: { "content-type": "application/x-protobuf" },
            body: toBinary(response, message),
          }
    },
  }
}

function itemBytes(request: DescMessage, message: Message, path: readonly string[]): number[] {
  let level = [reflect(request, message)]
  for (const name of path) {
    level = level.flatMap((one) => {
      const list = one.fields.find(({ localName }) => localName === name)
      return list?.fieldKind === "list" ? [...one.get(list)].filter((item) => isReflectMessage(item)) : []
    })
  }
  return level.map((one) => toBinary(one.desc, one.message).length)
}

/** Nested messages must be made by their own descriptor. */
function withNested(
  response: DescMessage,
  body: Record<string, Record<string, unknown>>,
): Record<string, unknown> {
  const made = Object.entries(body).map(([field, value]) => {
    const nested = response.fields.find(({ localName }) => localName === field)?.message
    return [field, nested === undefined ? value : create(nested, value)] as const
  })
  return Object.fromEntries(made)
}

const isJson = ({ headers }: Call): boolean => (headers["content-type"] ?? "").startsWith("application/json")

/** opentelemetry.io/docs/specs/otlp: application/x-protobuf or application/json, nothing else. */
function decoded(request: DescMessage, call: Call): Message {
  const type = call.headers["content-type"] ?? ""
  if (!isJson(call) && type !== "application/x-protobuf")
    throw new Refusal("UnsupportedMediaTypeException", `The content type ${type} is not OTLP's.`, {
      status: 415,
    })
  try {
    if (!isJson(call)) return fromBinary(request, call.body)
    const json = JSON.parse(call.body.toString("utf8")) as JsonValue
    return fromJson(request, withBase64Ids(json), { ignoreUnknownFields: true })
  } catch (cause) {
    throw new Refusal("SerializationException", `The body is not an OTLP request: ${String(cause)}`)
  }
}

const ID_FIELDS = new Set(["traceId", "spanId", "parentSpanId"])

/** The same page: in JSON, ids are hexadecimal, other than protobuf's JSON has bytes. */
function withBase64Ids(value: JsonValue): JsonValue {
  if (Array.isArray(value)) return value.map(withBase64Ids)
  if (typeof value !== "object" || value === null) return value
  const fields = Object.entries(value).map(([key, inner]): [string, JsonValue] =>
    ID_FIELDS.has(key) && typeof inner === "string"
      ? [key, Buffer.from(inner, "hex").toString("base64")]
      : [key, withBase64Ids(inner)],
  )
  return Object.fromEntries(fields)
}

export const fieldsOf = (value: Plain): Fields => (isObject(value) ? value : {})
export const listOf = (value: Plain): Fields[] => (Array.isArray(value) ? value.map(fieldsOf) : [])

/** Empty where it is no text. */
export const textOf = (value: Plain): string => (typeof value === "string" ? value : "")

/** Attributes by name, values as they are written in JSON: text, number, bigint, boolean, or what they hold. */
export function attributesOf(list: Plain): Fields {
  return Object.fromEntries(
    listOf(list).map(({ key, value }) => [textOf(key), Object.values(fieldsOf(fieldsOf(value)["value"]))[0]]),
  )
}

/** A time in nanoseconds, as ms. */
export const msOf = (value: Plain): number => (typeof value === "bigint" ? Number(value / 1_000_000n) : 0)
