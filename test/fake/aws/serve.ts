import { randomUUID } from "node:crypto"
import type { IncomingHttpHeaders, IncomingMessage, RequestListener, ServerResponse } from "node:http"
import { setTimeout as sleep } from "node:timers/promises"
import { gunzipSync } from "node:zlib"
import type { Clock } from "#mesh/clock.ts"
import type { Fault, Faults } from "./faults.ts"
import type { ApiName, Operation } from "./operation.ts"
import { type Answer, Refusal, refusalAnswer } from "./refusal.ts"
import { type Credentials, signatureProblem } from "./signature.ts"

/** One call as it was seen. */
export interface SeenRequest {
  readonly api: ApiName | undefined
  readonly path: string
  readonly headers: IncomingHttpHeaders
  /** Of the body as it came. */
  readonly bytes: number
  readonly atMs: number
  /** 0: the connection was closed, or nothing was said. */
  readonly status: number
  /** Of the refusal, if it was one. */
  readonly code: string | undefined
  /** The refusal in words. */
  readonly why: string | undefined
}

export interface ServeDeps {
  readonly find: (method: string, path: string, target: string | undefined) => Operation | undefined
  readonly faults: Faults
  readonly ceiling: (api: ApiName, nowMs: number) => boolean
  readonly clock: Pick<Clock, "now">
  readonly region: string
  readonly credentials: Credentials
  readonly requests: SeenRequest[]
}

/** Guards the test process only: far above every documented limit. */
const MAX_BODY_BYTES = 64 * 1_048_576

/** Undefined: no answer is written. */
interface Outcome {
  readonly answer: Answer | undefined
  readonly refusal?: Refusal
}

/** Reads a request, checks its signature, lets faults happen, runs the operation and writes what it says. */
export function makeServe(deps: ServeDeps): RequestListener {
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const body = await wholeBody(request)
    if (body === undefined) return
    const [path = "/"] = (request.url ?? "/").split("?", 1)
    const target = request.headers["x-amz-target"]
    const operation = deps.find(request.method ?? "", path, Array.isArray(target) ? target[0] : target)
    const { answer, refusal } = await outcome(operation, { request, path, body }, deps)
    deps.requests.push({
      api: operation?.api,
      path,
      headers: request.headers,
      bytes: body.length,
      atMs: deps.clock.now(),
      status: answer?.status ?? 0,
      code: refusal?.code,
      why: refusal?.message,
    })
    if (answer === undefined) return
    response.writeHead(answer.status, {
      ...answer.headers,
      // clients set their clocks by it
      date: new Date(deps.clock.now()).toUTCString(),
      "x-amzn-requestid": randomUUID(),
    })
    response.end(answer.body)
  }
  return (request, response) => {
    handle(request, response).catch((error: unknown) => {
      // a fault of the fake itself must be seen in the test
      response.writeHead(500).end(String(error))
    })
  }
}

interface Received {
  readonly request: IncomingMessage
  readonly path: string
  readonly body: Buffer
}

async function outcome(
  operation: Operation | undefined,
  received: Received,
  deps: ServeDeps,
): Promise<Outcome> {
  const requestType = received.request.headers["content-type"] ?? ""
  const wire = operation?.wire ?? (requestType.endsWith("json-1.1") ? "json-1.1" : "rest-json")
  try {
    if (operation === undefined)
      throw new Refusal("UnknownOperationException", received.path, { status: 404 })
    return { answer: await run(operation, received, deps) }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    return { answer: refusalAnswer(error, wire, requestType), refusal: error }
  }
}

/** @throws Refusal */
async function run(operation: Operation, received: Received, deps: ServeDeps): Promise<Answer | undefined> {
  const { request, path, body } = received
  const fault = deps.faults.next(operation.api)
  if (fault?.kind === "drop") {
    request.socket.destroy()
    return undefined
  }
  authenticate(operation, received, deps)
  await suffer(fault, operation)
  if (fault?.kind === "hang") return undefined
  const nowMs = deps.clock.now()
  if (!deps.ceiling(operation.api, nowMs)) throw throttled(operation)
  const answer = await operation.run({
    path,
    headers: request.headers,
    body: inflated(operation, request, body),
    nowMs,
    refuse: fault?.kind === "refuse" ? { first: fault.first, code: fault.code } : undefined,
  })
  if (fault?.kind !== "lose") return answer
  request.socket.destroy()
  return undefined
}

const throttled = ({ throttle }: Operation, retryAfterSeconds?: number): Refusal =>
  new Refusal(throttle.code, "Rate exceeded", {
    status: throttle.status,
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  })

/** @throws Refusal for the faults that are answers */
async function suffer(fault: Fault | undefined, operation: Operation): Promise<void> {
  if (fault?.kind === "slow") await sleep(fault.ms)
  if (fault?.kind === "throttle") throw throttled(operation, fault.retryAfterSeconds)
  if (fault?.kind !== "error") return
  const { code = "InternalFailure", message = "We encountered an internal error.", status = 500 } = fault
  throw new Refusal(code, message, {
    status,
    ...(fault.retryAfterSeconds === undefined ? {} : { retryAfterSeconds: fault.retryAfterSeconds }),
  })
}

function authenticate(operation: Operation, { request, body }: Received, deps: ServeDeps): void {
  const { region, credentials } = deps
  const problem = signatureProblem(
    { method: request.method ?? "", target: request.url ?? "", headers: request.headers, body },
    { region, credentials, service: operation.service, nowMs: deps.clock.now() },
  )
  if (problem === undefined) return
  // pages of common errors: 400 for CloudWatch Logs and CloudWatch, 403 for X-Ray; for OTLP and Prometheus not documented
  const status = operation.wire.startsWith("json") ? 400 : 403
  throw new Refusal(problem.code, problem.message, { status })
}

const malformed = (message: string): Refusal => new Refusal("MalformedHttpRequestException", message)

/** @throws Refusal when it is packed as this API does not take it, or is broken */
function inflated(operation: Operation, request: IncomingMessage, body: Buffer): Buffer {
  const encoding = request.headers["content-encoding"]
  if (encoding === undefined || encoding === "identity" || operation.api === "aps:RemoteWrite") return body
  // which APIs inflate: the SDK packs PutMetricData only; the OTLP page names gzip; for others nothing is documented
  if (encoding !== "gzip" || !operation.gzip)
    throw malformed(`${operation.api} does not take content-encoding ${encoding}.`)
  try {
    return gunzipSync(body, { maxOutputLength: MAX_BODY_BYTES })
  } catch {
    throw malformed("The body is not gzip.")
  }
}

/** Undefined when the caller went away. */
async function wholeBody(request: IncomingMessage): Promise<Buffer | undefined> {
  const chunks: Buffer[] = []
  let bytes = 0
  try {
    for await (const chunk of request) {
      if (!(chunk instanceof Buffer)) return undefined
      bytes += chunk.length
      if (bytes > MAX_BODY_BYTES) request.destroy()
      chunks.push(chunk)
    }
  } catch {
    return undefined
  }
  return Buffer.concat(chunks)
}
