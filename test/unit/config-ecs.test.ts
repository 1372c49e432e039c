import { describe, expect, test } from "vitest"
import { parseAgentConfig } from "../../agent/config/parse.ts"
import type { EcsDiscoveryConfig } from "../../agent/discover/ecs/config.ts"

function ecs(text: string, env: Readonly<Record<string, string>> = {}): EcsDiscoveryConfig | undefined {
  const whole = `discover: { ecs: ${text} }\npublish: { otlp: { endpoint: "http://collector:4318" } }`
  return parseAgentConfig({ file: "/etc/m/agent.yaml", text: whole, env, hostName: "h" }).discover.ecs
}

describe("discover.ecs", () => {
  test("asks the ECS agent of the instance where nothing is said", () => {
    expect(ecs("{}")).toEqual({
      interval: 15_000,
      timeout: 5000,
      introspection: "http://localhost:51678",
      images: ["aws-appmesh-envoy", "envoy"],
      containers: ["envoy"],
      adminPort: 9901,
      host: "127.0.0.1",
      logs: { from: "none" },
    })
  })

  test("in its own task asks nobody but the task's metadata, whose address is a variable of ECS", () => {
    const env = { ECS_CONTAINER_METADATA_URI_V4: "http://169.254.170.2/v4/0123-4567/" }
    const written = ecs(`{ task: { metadata: "\${ECS_CONTAINER_METADATA_URI_V4}" } }`, env)
    expect(written?.task).toEqual({ metadata: "http://169.254.170.2/v4/0123-4567" })
    expect(written?.introspection).toBeUndefined()
  })

  test("makes paths absolute", () => {
    const written = ecs(
      "{ logs: { from: shared-volume, file: 'logs/{task_id}.log' }, docker: { socket: d.sock }, serviceConnect: { root: run, logs: log } }",
    )
    expect(written?.logs).toEqual({ from: "shared-volume", file: "/etc/m/logs/{task_id}.log" })
    expect(written?.docker).toEqual({ socket: "/etc/m/d.sock" })
    expect(written?.serviceConnect).toEqual({ root: "/etc/m/run", logs: "/etc/m/log" })
    expect(ecs("{ logs: { from: json-file } }")?.logs).toEqual({
      from: "json-file",
      root: "/var/lib/docker/containers",
    })
  })

  test("asks the ECS API beside the ECS agent, or in its place where it says where the instance is", () => {
    expect(ecs("{ api: {} }")).toMatchObject({
      introspection: "http://localhost:51678",
      api: { interval: 60_000 },
    })
    const placed = ecs("{ api: { cluster: yelb, containerInstance: f9cc75bb, interval: 5m } }")
    expect(placed?.introspection).toBeUndefined()
    expect(placed?.api).toEqual({
      interval: 300_000,
      cluster: "yelb",
      containerInstance: "f9cc75bb",
    })
    const own = ecs("{ api: { metadata: 'http://169.254.170.2/v4/0123' } }")
    expect(own?.introspection).toBeUndefined()
    expect(own?.api).toEqual({ interval: 60_000, metadata: "http://169.254.170.2/v4/0123" })
  })

  test.each([
    ["{ api: { cluster: yelb } }", "discover.ecs.api.containerInstance"],
    ["{ api: { containerInstance: f9cc75bb } }", "discover.ecs.api.cluster"],
    [
      "{ api: { cluster: a, containerInstance: b, metadata: 'http://1.2.3.4/v4/0' } }",
      "discover.ecs.api.metadata expects either this, or `cluster` and `containerInstance`",
    ],
    ["{ api: { interval: 1s } }", "discover.ecs.api.interval"],
    [
      "{ api: {}, task: { metadata: 'http://1.2.3.4/v4/0' } }",
      "discover.ecs.api expects metadata, or cluster and containerInstance, since no ECS agent is asked",
    ],
    [
      "{ logs: { from: log-driver-volume } }",
      "discover.ecs.logs.root is missing; expects the folder where the log driver volume is mounted",
    ],
    [
      "{ logs: { from: shared-volume } }",
      "discover.ecs.logs.file is missing; expects the file, with {task_id}",
    ],
    ["{ logs: { from: forward, root: /x } }", "expects from: json-file or log-driver-volume, not forward"],
    ["{ logs: { from: json-file, file: /x } }", "expects from: shared-volume, not json-file"],
    ["{ introspection: 'localhost:51678' }", "discover.ecs.introspection expects a URL"],
    [
      "{ introspection: 'https://localhost:51678' }",
      "discover.ecs.introspection expects http, such as http://localhost:51678",
    ],
    ["{ adminPort: 0 }", "discover.ecs.adminPort"],
    ["{ dockr: {} }", "discover.ecs.dockr is not a known key; the nearest is"],
  ])("%s", (text, sentence) => {
    expect(() => ecs(text)).toThrow(sentence)
  })
})
