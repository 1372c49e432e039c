import { once } from "node:events"
import { createServer, type IncomingMessage } from "node:http"
import { buffer } from "node:stream/consumers"
import { gunzipSync } from "node:zlib"
import * as z from "zod"

/** A span as Zipkin's servers get it, as far as it is shown here. */
const spanSchema = z.object({
  traceId: z.string(),
  id: z.string(),
  parentId: z.string().default(""),
  kind: z.string().default(""),
  name: z.string().default(""),
  /** Microseconds. */
  timestamp: z.number(),
  duration: z.number().default(0),
  localEndpoint: z.object({ serviceName: z.string().default("") }).default({ serviceName: "" }),
  tags: z.record(z.string(), z.string()).default({}),
})
export type ShownSpan = z.output<typeof spanSchema>

/** Takes the spans that the agent sends on, as a Zipkin server would, and keeps the newest traces for a look. */
export interface TraceShelf {
  /** Address of the server, as `publish.zipkin.endpoint` wants it. */
  readonly url: string
  /** Spans that came so far. */
  spans(): number
  /**
   * One worth a look, of those to which nothing was added lately: with a fault where there is one, then with most spans, then
   * the newest.
   */
  shown(): readonly ShownSpan[] | undefined
  stop(): Promise<void>
}

/** Most traces that are kept, and most spans of one: a looping application could make a trace without end. */
const MOST_TRACES = 500
const MOST_SPANS = 200
/** Spans of one request come from several Envoys, and leave the agent with its commits. */
const WHOLE_MS = 1500

interface Kept {
  readonly spans: ShownSpan[]
  atMs: number
}

/** @param now milliseconds of a clock that never goes back */
export async function startTraceShelf(now = () => performance.now()): Promise<TraceShelf> {
  const traces = new Map<string, Kept>()
  let count = 0
  const put = (span: ShownSpan): void => {
    count++
    const kept = traces.get(span.traceId) ?? { spans: [], atMs: 0 }
    if (kept.spans.length < MOST_SPANS) kept.spans.push(span)
    kept.atMs = now()
    traces.set(span.traceId, kept)
    for (const oldest of traces.keys()) {
      if (traces.size <= MOST_TRACES) break
      traces.delete(oldest)
    }
  }
  const server = createServer((request, response) => {
    void bodyOf(request)
      .then((body) => {
        for (const span of z.array(spanSchema).parse(JSON.parse(body))) put(span)
        response.writeHead(202).end()
      })
      .catch(() => response.writeHead(400).end())
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}`,
    spans: () => count,
    shown: () => best([...traces.values()].filter(({ atMs }) => now() - atMs > WHOLE_MS)),
    async stop() {
      server.closeAllConnections()
      server.close()
      await once(server, "close")
    },
  }
}

export const isFailed = ({ tags }: ShownSpan): boolean => tags["error"] !== undefined

function best(traces: readonly Kept[]): readonly ShownSpan[] | undefined {
  const worth = ({ spans }: Kept): number => (spans.some(isFault) ? MOST_SPANS : 0) + spans.length
  const most = Math.max(0, ...traces.map(worth))
  return traces.findLast((trace) => worth(trace) === most)?.spans
}

/** No answer, or one that is the server's fault. */
const isFault = ({ tags }: ShownSpan): boolean => /^(?:0|5\d\d)$/.test(tags["http.status_code"] ?? "")

async function bodyOf(request: IncomingMessage): Promise<string> {
  const bytes = await buffer(request)
  return (request.headers["content-encoding"] === "gzip" ? gunzipSync(bytes) : bytes).toString("utf8")
}
