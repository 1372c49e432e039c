import { createServer, type IncomingMessage, type ServerResponse } from "node:http"
import { onLoopback } from "../../fixtures/http/loopback.ts"
import { type HecCode, HecRefusal } from "./hec-codes.ts"
import type { FakeEvent } from "./hec-events.ts"
import { makeHecIndex } from "./hec-index.ts"
import { type HecAnswer, hecAnswer, refused } from "./hec-request.ts"

export interface FakeHecOptions {
  /** The token has indexer acknowledgement. */
  readonly useAck?: boolean
  /** Whether events before a bad one are kept: that is not documented. */
  readonly keepsBefore?: boolean
  /** limits.conf, [http_input] max_content_length: bytes after decompression (our reading). Default 1,000,000. */
  readonly maxContentLength?: number
}

/** A code of the collector, or: no answer though all was done, or no answer at all. */
export type HecFault = HecCode | "lose" | "hang"

export interface FakeHec {
  readonly url: string
  readonly token: string
  /** What is in the index. With acknowledgement only what `index` moved there. */
  readonly events: readonly FakeEvent[]
  readonly requests: number
  /** What waits on its way to the index is there now, and acknowledged; `lose`: it never will be. */
  index(what?: "keep" | "lose"): void
  fail(fault: HecFault, times?: number): void
  allowIndex(name: string): void
  setToken(token: string): void
  stop(): Promise<void>
}

/**
 * Splunk's HTTP Event Collector by its documents, on loopback. No real Splunk can be had in tests: what the documents leave
 * open says so where it is decided.
 */
export async function startFakeHec(options: FakeHecOptions = {}): Promise<FakeHec> {
  const { useAck = false, keepsBefore = true, maxContentLength = 1_000_000 } = options
  let token = "B5A79AAD-D822-46CC-80D1-819F80D7BFB0"
  const index = makeHecIndex({ useAck, keepsBefore })
  const faults: HecFault[] = []
  let requests = 0
  const handle = (request: IncomingMessage, response: ServerResponse, body: Buffer): void => {
    const toAck = request.url?.startsWith("/services/collector/ack") === true
    if (!toAck) requests++
    const fault = toAck ? undefined : faults.shift()
    if (fault === "hang") return
    const { status, said } = answerWith(fault, () =>
      hecAnswer(request, body, { token, useAck, maxContentLength }, index),
    )
    if (fault === "lose") response.destroy()
    else response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify(said))
  }
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on("data", (chunk: Buffer) => chunks.push(chunk))
    request.on("end", () => handle(request, response, Buffer.concat(chunks)))
  })
  const { url, stop } = await onLoopback(server)
  return {
    url,
    get token() {
      return token
    },
    events: index.events,
    get requests() {
      return requests
    },
    index: (what = "keep") => index.index(what),
    fail: (fault, times = 1) => void faults.push(...Array.from({ length: times }, () => fault)),
    allowIndex: (name) => void index.names.add(name),
    setToken(next) {
      token = next
    },
    stop,
  }
}

/** @param answer what there is to say without the fault */
function answerWith(fault: HecCode | "lose" | undefined, answer: () => HecAnswer): HecAnswer {
  try {
    if (fault === undefined || fault === "lose") return answer()
    if (fault !== "queueNearlyFull") return refused(fault)
    const { status, said } = answer()
    return { status, said: { ...said, ...refused(fault).said } }
  } catch (error) {
    if (!(error instanceof HecRefusal)) throw error
    return refused(error.code, error.event)
  }
}
