import { readdirSync, readFileSync } from "node:fs"
import { describe, expect, test } from "vitest"
import { filledHeaders } from "../../agent/config/headers.ts"
import { type AgentConfig, parseAgentConfig } from "../../agent/config/parse.ts"

const folder = new URL("../fixtures/config/", import.meta.url)
const names = readdirSync(folder)

function parse(text: string, file = "agent.yaml"): AgentConfig {
  return parseAgentConfig({ file, text, env: { TENANT: "yelb", KEY: "k-1" }, hostName: "host-1" })
}
const fixture = (name: string): string => readFileSync(new URL(name, folder), "utf8")
const scrape = (text: string): AgentConfig["scrape"] =>
  parse(`scrape: {${text}}\n${fixture("minimal.good.yaml")}`).scrape
const expectations = (text: string): string[] =>
  [...text.matchAll(/^# expect: (.*)$/gm)].map(([, line]) => line ?? "")

const START = "discover: { static: { file: targets.yaml } }\n"

describe("fixtures", () => {
  test.each(names.filter((name) => name.endsWith(".good.yaml")))("%s is taken", (name) => {
    expect(() => parse(fixture(name))).not.toThrow()
  })

  test.each(names.filter((name) => name.endsWith(".bad.yaml")))("%s is refused as it says", (name) => {
    const text = fixture(name)
    const expected = expectations(text)
    expect(expected).not.toEqual([])
    expect(() => parse(text)).toThrow(expect.objectContaining({ message: expected.join("\n") }))
  })
})

describe("what the agent runs by", () => {
  test("defaults", () => {
    expect(parse(fixture("minimal.good.yaml"), "/etc/meshscope/agent.yaml")).toEqual({
      agent: { id: "host-1", state: "/var/lib/meshscope", cluster: "" },
      discover: {
        static: {
          interval: 5000,
          targets: [{ name: "ui", admin: { kind: "tcp", host: "127.0.0.1", port: 9901 }, logs: [] }],
        },
      },
      scrape: {
        interval: 15_000,
        timeout: 5000,
        maxPageBytes: 64 * 1024 ** 2,
        page: "auto",
        clustersInterval: 60_000,
      },
      logs: {
        poll: 1000,
        start: "end",
        maxLineBytes: 256 * 1024,
        healthCheckAgents: [
          "Envoy/HC",
          "ELB-HealthChecker/",
          "Amazon-Route53-Health-Check-Service",
          "kube-probe/",
          "GoogleHC/",
        ],
        healthCheckPaths: [],
      },
      model: {
        files: [],
        interval: 5000,
        istioMesh: "cluster.local",
        clusterDomain: "cluster.local",
        publish: true,
      },
      commit: 5000,
      count: { codes: false },
      limits: { series: 200_000 },
      publish: {
        prometheus: { enabled: true, listen: { host: "127.0.0.1", port: 9464 }, path: "/metrics" },
        queue: { bytes: 256 * 1024 ** 2, drop: "oldest" },
      },
      receive: {},
      spans: { fromLogs: false, hosts: [] },
      log: { level: "info" },
    })
  })

  test("spans need both a way in and a way out, and the message names them", () => {
    expect(() => parse(`${START}publish: { xray: {} }`)).toThrow(
      "publish needs receive.xray, receive.zipkin, receive.otlp or spans.fromLogs as well, since there are no spans to send",
    )
    expect(() => parse(`${START}receive: { zipkin: {} }`)).toThrow(
      "receive needs publish.xray, publish.zipkin or publish.otlpTraces as well, since its spans would go nowhere",
    )
    expect(parse(`${START}receive: { xray: {} }\npublish: { xray: {} }`).receive.xray?.udp).toEqual({
      host: "127.0.0.1",
      port: 2000,
    })
  })

  test.each([
    [
      "receive: { otlp: {}, zipkin: { listen: '127.0.0.1:4317' } }",
      "receive.otlp expects",
      "receive.zipkin.listen",
    ],
    ["receive: { otlp: { listen: '0.0.0.0:4317' } }", "receive.otlp expects", "receive.otlp.listen"],
    [
      "receive: { zipkin: { listen: 'localhost:9464' } }",
      "receive.zipkin expects",
      "publish.prometheus.listen",
    ],
    ["receive: { xray: { tcp: '[::]:9464' } }", "receive.xray expects", "publish.prometheus.listen"],
  ])("no two listen at one address: %s", (receive, at, first) => {
    const spans = `${receive}\npublish: { zipkin: { endpoint: 'http://h:1' } }`
    expect(() => parse(`${START}${spans}`)).toThrow(`${at} an address of its own`)
    expect(() => parse(`${START}${spans}`)).toThrow(`${first} listens there`)
  })

  test.each([
    "{ zipkin: { listen: '127.0.0.1:0' }, otlp: { listen: '127.0.0.1:0', grpc: '127.0.0.1:0' } }",
    "{ xray: { udp: '127.0.0.1:9464' } }",
    "{ zipkin: { listen: '127.0.0.2:9464' } }",
  ])("ports that are free, of UDP, or of another address are no matter: %s", (receive) => {
    const text = `${START}receive: ${receive}\npublish: { zipkin: { endpoint: 'http://h:1' } }`
    expect(() => parse(text)).not.toThrow()
  })

  test("files of every output count from the configuration's folder", () => {
    const { publish } = parse(
      `discover: { static: { file: targets.yaml } }
receive: { xray: {} }
publish:
  remoteWrite: { url: "https://prometheus/api/v1/write", tls: { ca: ca.pem }, headers: { Authorization: { file: token } } }
  otlpTraces: { endpoint: "https://tempo:4318", tls: { cert: a.pem, key: b.pem } }`,
      "/etc/meshscope/agent.yaml",
    )
    expect(publish.remoteWrite?.tls).toEqual({ ca: "/etc/meshscope/ca.pem" })
    expect(publish.remoteWrite?.headers["Authorization"]).toEqual({
      file: "/etc/meshscope/token",
      prefix: "",
    })
    expect(publish.otlpTraces?.tls).toEqual({ cert: "/etc/meshscope/a.pem", key: "/etc/meshscope/b.pem" })
  })

  test("exact codes are counted by those who ask for them", () => {
    expect(parse(`count: {codes: true}\n${fixture("minimal.good.yaml")}`).count).toEqual({ codes: true })
  })

  test("a page may take 5s, or the interval where that is shorter, unless it is said", () => {
    expect(scrape("interval: 2s")).toMatchObject({ interval: 2000, timeout: 2000 })
    expect(scrape("interval: 20s")).toMatchObject({ timeout: 5000 })
    expect(scrape("interval: 20s, timeout: 20s")).toMatchObject({ timeout: 20_000 })
    expect(() => scrape("interval: 2s, timeout: 3s")).toThrow(/scrape\.timeout expects at most the interval/)
  })

  test("addresses of every shape, and relative paths from the file's folder", () => {
    const { targets } = parse(fixture("addresses.good.yaml"), "/etc/m/agent.yaml").discover.static ?? {}
    expect(targets).toEqual([
      { name: "a", admin: { kind: "tcp", host: "127.0.0.1", port: 9901 }, logs: [] },
      {
        name: "b",
        admin: { kind: "tcp", host: "::1", port: 9901 },
        logs: ["/etc/m/a.log", "/var/log/b.log"],
      },
      { name: "c", admin: { kind: "unix", path: "/run/c.sock" }, logs: [], labels: { pod: "c-0" } },
      { name: "name with ü and spaces", admin: { kind: "tcp", host: "envoy.local", port: 1 }, logs: [] },
    ])
  })

  test("secrets stay references until a request needs them", async () => {
    const { otlp } = parse(fixture("secrets.good.yaml"), "/etc/m/agent.yaml").publish
    expect(otlp?.endpoint).toBe("https://otlp.example/base")
    expect(otlp?.headers).toEqual({
      Authorization: { file: "/etc/m/token", prefix: "Bearer " },
      "X-Api-Key": { env: "KEY", prefix: "" },
      "X-Scope-OrgID": "yelb",
    })
    const deps = { env: { KEY: "k-1" }, readFile: (path: string) => Promise.resolve(`token of ${path}\n`) }
    await expect(filledHeaders(otlp?.headers ?? {}, deps)).resolves.toEqual({
      Authorization: "Bearer token of /etc/m/token",
      "X-Api-Key": "k-1",
      "X-Scope-OrgID": "yelb",
    })
  })

  test.each([
    ["a variable that is not set", { env: "NOT" }, "CONFIG_ENV_MISSING", false],
    ["a file that is not there", { file: "gone" }, "FILE_UNREADABLE", true],
    ["a value of two lines", { file: "two" }, "CONFIG_INVALID", false],
    ["an empty value", { file: "empty" }, "CONFIG_INVALID", false],
  ])("%s is an error without the secret in it", async (_why, reference, code, retryable) => {
    const files: Record<string, string> = { two: "s3cret\r\nX-Evil: 1", empty: "\n" }
    const readFile = (path: string): Promise<string> => {
      const text = files[path]
      return text === undefined ? Promise.reject(new Error("ENOENT")) : Promise.resolve(text)
    }
    const filled = filledHeaders({ "X-Token": { prefix: "", ...reference } }, { env: {}, readFile })
    await expect(filled).rejects.toMatchObject({ code, retryable })
    await expect(filled).rejects.not.toThrow(/s3cret/)
  })
})
