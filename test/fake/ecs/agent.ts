import { once } from "node:events"
import { createServer, type ServerResponse } from "node:http"

/** A container as the ECS agent tells of it (amazon-ecs-agent, `ecs-agent/introspection/v1`). */
export interface FakeContainer {
  readonly DockerId: string
  readonly DockerName: string
  readonly Name: string
  readonly Image: string
  readonly ImageID: string
  readonly Ports?: readonly {
    readonly ContainerPort: number
    readonly Protocol: string
    readonly HostPort?: number
    readonly HostIp?: string
  }[]
  readonly Networks?: readonly { readonly NetworkMode: string; readonly IPv4Addresses: readonly string[] }[]
}

export interface FakeTask {
  readonly Arn: string
  readonly DesiredStatus: string
  readonly KnownStatus: string
  readonly Family: string
  readonly Version: string
  readonly Containers: readonly FakeContainer[] | null
}

/** How the endpoint behaves: as the ECS agent, with something that it never says, or with silence. */
export type FakeManner = "true" | "garbage" | "slow" | { readonly tasks: string }

/** The ECS agent's introspection on loopback. As strict as the agent: GET alone, and its own paths. */
export interface FakeEcsAgent {
  readonly url: string
  readonly asked: string[]
  tasks: readonly FakeTask[] | null
  manner: FakeManner
  /** Of the agent's own task; undefined: there is no such endpoint. */
  own: Readonly<Record<string, unknown>> | undefined
  close(): Promise<void>
}

export const CLUSTER = "yelb"

export async function fakeEcsAgent(): Promise<FakeEcsAgent> {
  const server = createServer((request, response) => {
    const path = request.url ?? ""
    fake.asked.push(`${request.method} ${path}`)
    if (fake.manner === "slow") return
    if (fake.manner === "garbage") answer(response, 200, "<html>not here</html>", "text/html")
    else if (request.method !== "GET") answer(response, 405, "", "text/plain")
    else if (path === "/v1/metadata") answer(response, 200, JSON.stringify(metadata()))
    else if (path === "/v1/tasks")
      answer(
        response,
        200,
        typeof fake.manner === "object" ? fake.manner.tasks : JSON.stringify({ Tasks: fake.tasks }),
      )
    else if (path === "/v4/0123/task" && fake.own !== undefined)
      answer(response, 200, JSON.stringify(fake.own))
    else answer(response, 404, "", "text/plain")
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const bound = server.address()
  const port = typeof bound === "object" && bound !== null ? bound.port : 0
  const fake: FakeEcsAgent = {
    url: `http://127.0.0.1:${port}`,
    asked: [],
    tasks: [],
    manner: "true",
    own: undefined,
    async close() {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    },
  }
  return fake
}

function answer(response: ServerResponse, status: number, text: string, type = "application/json"): void {
  response.writeHead(status, { "content-type": type }).end(text)
}

function metadata(): object {
  return {
    Cluster: CLUSTER,
    ContainerInstanceArn: `arn:aws:ecs:eu-west-1:111122223333:container-instance/${CLUSTER}/f9cc75bb0c944ab1a56a9d55ce4ee6ac`,
    Version: "Amazon ECS Agent - v1.98.0 (*6f1d2c1a)",
  }
}
