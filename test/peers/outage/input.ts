import { createSocket, type Socket } from "node:dgram"
import { once } from "node:events"
import { closeSync, openSync, writeSync } from "node:fs"
import { setTimeout as sleep } from "node:timers/promises"

/** Where an agent takes spans. */
export interface SpanIntakes {
  readonly xray: { readonly host: string; readonly port: number }
  /** `http://host:port`. */
  readonly zipkin: string
}

/** A span that was sent to an agent, by its id. */
export interface SentSpan {
  readonly id: string
  readonly sentMs: number
}

const STEP_MS = 50

/** Numbered access lines in followed files, and numbered spans by UDP and HTTP, at a steady rate. */
export class Input {
  /** How many lines were written; they are numbered from 1. */
  lines = 0
  /** Lines of requests that went wrong. */
  errors = 0
  readonly byUdp: SentSpan[] = []
  /** Answered with 202. */
  readonly byHttp: SentSpan[] = []
  /** Spans are sent only then: nobody can count on one that nobody was there to take. */
  listening = false
  readonly #files: readonly number[]
  readonly #intakes: SpanIntakes
  readonly #socket: Socket
  #spans = 0

  static async open(logs: readonly string[], intakes: SpanIntakes): Promise<Input> {
    const socket = createSocket("udp4")
    socket.bind(0, "127.0.0.1")
    await once(socket, "listening")
    // A datagram to a port that nobody has comes back as an error.
    socket.on("error", () => undefined)
    return new Input(logs, intakes, socket)
  }

  private constructor(logs: readonly string[], intakes: SpanIntakes, socket: Socket) {
    this.#files = logs.map((log) => openSync(log, "a"))
    this.#intakes = intakes
    this.#socket = socket
  }

  /** So many lines a second, and spans of each kind, until `signal` aborts. */
  async run(rate: { readonly lines: number; readonly spans: number }, signal: AbortSignal): Promise<void> {
    let lines = 0
    let spans = 0
    const posts: Promise<void>[] = []
    while (!signal.aborted) {
      for (lines += (rate.lines * STEP_MS) / 1000; lines >= 1; lines--) this.write(1)
      for (spans += (rate.spans * STEP_MS) / 1000; spans >= 1; spans--) {
        if (!this.listening) continue
        this.sendSegment()
        posts.push(this.postSpan())
      }
      await sleep(STEP_MS)
    }
    await Promise.all(posts)
  }

  /** Writes the next lines, to each file in turn. */
  write(count: number): void {
    for (let left = count; left > 0; left--) {
      const number = ++this.lines
      const code = number % 7 === 0 ? 503 : 200
      if (code === 503) this.errors++
      const file = this.#files[number % this.#files.length]
      if (file !== undefined) writeSync(file, accessLine(number, code))
    }
  }

  sendSegment(): void {
    const id = this.#nextId()
    const sentMs = Date.now()
    const seconds = sentMs / 1000
    const document = {
      name: "shop/cart",
      id,
      trace_id: `1-${Math.floor(seconds).toString(16).padStart(8, "0")}-${id.padStart(24, "0")}`,
      start_time: seconds - 0.01,
      end_time: seconds,
      http: { response: { status: 200 } },
    }
    const { host, port } = this.#intakes.xray
    const datagram = `{"format":"json","version":1}\n${JSON.stringify(document)}`
    this.#socket.send(datagram, port, host, (error) => {
      if (error === null) this.byUdp.push({ id, sentMs })
    })
  }

  async postSpan(): Promise<void> {
    const id = this.#nextId()
    const sentMs = Date.now()
    const span = {
      id,
      traceId:
        Math.floor(sentMs / 1000)
          .toString(16)
          .padStart(8, "0") + id.padStart(24, "0"),
      name: "/cart",
      kind: "SERVER",
      timestamp: (sentMs - 10) * 1000,
      duration: 10_000,
      localEndpoint: { serviceName: "cart" },
    }
    const headers = { "content-type": "application/json" }
    const answer = await fetch(`${this.#intakes.zipkin}/api/v2/spans`, {
      method: "POST",
      headers,
      body: JSON.stringify([span]),
    }).catch(() => undefined)
    if (answer?.status === 202) this.byHttp.push({ id, sentMs })
  }

  #nextId(): string {
    return (++this.#spans).toString(16).padStart(16, "0")
  }

  close(): void {
    this.#socket.close()
    for (const file of this.#files) closeSync(file)
  }
}

export const linePath = (number: number): string => `/line/${number}`

/** In App Mesh's default text. */
function accessLine(number: number, code: number): string {
  const durationMs = 1 + (number % 400)
  const request = `"GET ${linePath(number)} HTTP/1.1" ${code} - 0 42 ${durationMs} ${durationMs}`
  return `[${new Date().toISOString()}] ${request} "-" "curl/8" "id-${number}" "crystal.appmeshworkshop.hosted.local:3000" "127.0.0.1:3000"\n`
}
