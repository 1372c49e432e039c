import type { Context } from "hono"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Admission } from "../access/admission.ts"
import { type BodyLimits, readBody } from "../ingest/body.ts"
import type { Intake } from "../ingest/intake.ts"
import { CONTENT_TYPES, type Encoding, statusBody, successBody } from "../ingest/otlp-answer.ts"
import { readJsonMetrics } from "../ingest/otlp-json.ts"
import { readProtobufMetrics } from "../ingest/otlp-protobuf.ts"
import type { CollectorApp } from "./api.ts"

export interface IntakeRouteDeps {
  readonly intake: Intake
  readonly limits: BodyLimits & {
    /** Bodies that are read at one time; more are told to come back. */
    readonly maxConcurrent: number
  }
  /** Who may send. */
  readonly admission: Admission
  readonly nowMs: () => number
  readonly took: (result: IntakeResult, seconds: number, bytes: number) => void
}
export type IntakeResult = "ok" | "partial" | "refused" | "malformed" | "too_large" | "busy"

/** google.rpc codes. */
const INVALID_ARGUMENT = 3
const RESOURCE_EXHAUSTED = 8
const UNAVAILABLE = 14
const UNAUTHENTICATED = 16

/** `POST /v1/metrics`: OTLP/HTTP, protobuf or JSON, plain or gzip. */
export function mountIntake(app: CollectorApp, deps: IntakeRouteDeps): void {
  let reading = 0
  app.post("/v1/metrics", async (c) => {
    const encoding = encodingOf(c.req.header("content-type"))
    if (encoding === undefined) {
      deps.took("refused", 0, 0)
      return c.text("Send application/x-protobuf or application/json.", 415)
    }
    const compression = c.req.header("content-encoding") ?? "identity"
    if (compression !== "gzip" && compression !== "identity") {
      deps.took("refused", 0, 0)
      return failure(c, encoding, 415, INVALID_ARGUMENT, "Content-Encoding must be gzip or absent.")
    }
    const verdict = await deps.admission.check(c.req.header("authorization"))
    if (verdict.kind !== "admitted") {
      const unsure = verdict.kind === "unsure"
      deps.took(unsure ? "busy" : "refused", 0, 0)
      if (unsure) c.header("retry-after", "5")
      const code = unsure ? UNAVAILABLE : UNAUTHENTICATED
      return failure(c, encoding, unsure ? 503 : 401, code, verdict.message)
    }
    if (reading >= deps.limits.maxConcurrent) {
      deps.took("busy", 0, 0)
      c.header("retry-after", "1")
      return failure(c, encoding, 503, UNAVAILABLE, "Too many requests at one time.")
    }
    reading++
    try {
      return await take(c, deps, encoding, compression)
    } finally {
      reading--
    }
  })
}

async function take(
  c: Context,
  deps: IntakeRouteDeps,
  encoding: Encoding,
  compression: string,
): Promise<Response> {
  const started = performance.now()
  try {
    const body = await readBody(c.req.raw.body, compression, deps.limits)
    const request = deps.intake.request(deps.nowMs())
    if (encoding === "protobuf") readProtobufMetrics(body, request)
    else readJsonMetrics(body.toString("utf8"), request)
    const { rejected, reason } = request.taken()
    deps.took(rejected === 0 ? "ok" : "partial", (performance.now() - started) / 1000, body.length)
    return c.body(successBody(encoding, rejected, reason), 200, { "content-type": CONTENT_TYPES[encoding] })
  } catch (error) {
    if (!(error instanceof MeshscopeError)) throw error
    const large = error.code === "INTAKE_TOO_LARGE"
    deps.took(large ? "too_large" : "malformed", (performance.now() - started) / 1000, 0)
    return failure(
      c,
      encoding,
      large ? 413 : 400,
      large ? RESOURCE_EXHAUSTED : INVALID_ARGUMENT,
      error.message,
    )
  }
}

function failure(
  c: Context,
  encoding: Encoding,
  status: 400 | 401 | 413 | 415 | 503,
  code: number,
  message: string,
): Response {
  return c.body(statusBody(encoding, code, message), status, { "content-type": CONTENT_TYPES[encoding] })
}

function encodingOf(header: string | undefined): Encoding | undefined {
  const type = (header ?? "").split(";")[0]?.trim().toLowerCase()
  if (type === CONTENT_TYPES.protobuf) return "protobuf"
  return type === CONTENT_TYPES.json ? "json" : undefined
}
