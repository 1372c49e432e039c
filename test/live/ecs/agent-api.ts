import { once } from "node:events"
import { createServer, type IncomingMessage, request, type ServerResponse } from "node:http"

const PER_SECOND = 10
const BURST = 20
const PARAMETERS: ReadonlySet<string> = new Set(["usedonly", "filter=metrics_extension", "delta"])

/**
 * What stands before the Envoy of Service Connect: the agent's API on its Unix socket. Its rules, as
 * amazon-ecs-service-connect-agent has them: two paths to read, parameters that it knows and 400 for others, ten requests a
 * second with a burst of twenty for all who ask, and 429 above.
 */
export interface AgentApi {
  /** Answered paths, by status. */
  readonly answered: { readonly path: string; readonly status: number }[]
  /** Asks as others do, until nothing is left of the burst. */
  exhaust(): void
  stop(): Promise<void>
}

export async function startAgentApi(socketPath: string, envoySocket: string): Promise<AgentApi> {
  const answered: { path: string; status: number }[] = []
  let tokens = BURST
  let filled = performance.now()
  const allowed = (): boolean => {
    const now = performance.now()
    tokens = Math.min(BURST, tokens + ((now - filled) / 1000) * PER_SECOND)
    filled = now
    tokens -= 1
    return tokens >= 0
  }
  const server = createServer((asked, answer) => {
    const path = asked.url ?? ""
    answer.on("finish", () => answered.push({ path, status: answer.statusCode }))
    if (!allowed()) answer.writeHead(429).end()
    else serve(asked, answer, envoySocket)
  })
  server.listen(socketPath)
  await once(server, "listening")
  return {
    answered,
    exhaust() {
      // As much as is won back within a second of others' asking.
      tokens = -PER_SECOND
      filled = performance.now()
    },
    async stop() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
}

function serve({ method, url = "" }: IncomingMessage, answer: ServerResponse, envoySocket: string): void {
  const [path = "", query = ""] = url.split("?")
  const parameters = query.split("&").filter((one) => one !== "")
  if (method !== "GET") answer.writeHead(405).end()
  else if (path === "/status")
    answer.writeHead(200).end(JSON.stringify({ envoyState: "LIVE", healthStatus: "HEALTHY" }))
  else if (path !== "/stats/prometheus") answer.writeHead(404).end()
  else if (parameters.some((one) => !PARAMETERS.has(one))) answer.writeHead(400).end()
  else relay(`/stats/prometheus${parameters.includes("usedonly") ? "?usedonly" : ""}`, answer, envoySocket)
}

function relay(path: string, answer: ServerResponse, socketPath: string): void {
  const asked = request({ socketPath, path }, (page) => {
    answer.writeHead(page.statusCode ?? 500, { "content-type": "text/plain" })
    page.pipe(answer)
  })
  asked.on("error", () => answer.writeHead(500).end())
  asked.end()
}
