import { Agent, request as httpRequest } from "node:http"
import { readAnswer } from "./apps/outbound.ts"
import type { Planned } from "./plan.ts"
import type { Call, CallEnd } from "./records.ts"

/** Envoy writes at this place of a UUID why it traces (`TRACE_BYTE_POSITION`), so an application may see another id. */
const TRACE_REASON_AT = 14
const idThatStays = (request: string): string =>
  request.slice(0, TRACE_REASON_AT) + request.slice(TRACE_REASON_AT + 1)

/** Sends planned requests and says how each ended. */
export interface Client {
  send(planned: Planned): Promise<Call>
  /** An application holds this request: if it was planned to be aborted, now is the time. */
  held(request: string): void
  close(): void
}

export function makeClient(): Client {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 })
  const aborts = new Map<string, () => void>()
  return {
    async send(planned) {
      const end = await sendOne(agent, planned, aborts)
      aborts.delete(idThatStays(planned.request))
      return recorded(planned, end)
    },
    held: (request) => aborts.get(idThatStays(request))?.(),
    close: () => agent.destroy(),
  }
}

function sendOne(agent: Agent, planned: Planned, aborts: Map<string, () => void>): Promise<CallEnd> {
  return new Promise((resolve) => {
    const { host, port, method, path, body, authority, userAgent } = planned
    const headers = { ...planned.headers, host: authority, "user-agent": userAgent }
    const outgoing = httpRequest({ agent, host, port, method, path, headers })
    outgoing.on("response", (response) => readAnswer(response, resolve))
    outgoing.on("error", () => resolve({ how: "failed", code: 0, grpcStatus: -1 }))
    if (planned.abort) {
      aborts.set(idThatStays(planned.request), () => {
        resolve({ how: "left", code: 0, grpcStatus: -1 })
        outgoing.destroy()
      })
    }
    outgoing.end(body)
  })
}

function recorded(planned: Planned, end: CallEnd): Call {
  const { call, request, entry, authority, port, method, path, headers, userAgent } = planned
  return { call, request, entry, protocol: "http", authority, port, method, path, headers, userAgent, end }
}
