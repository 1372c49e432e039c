import { expect, test } from "vitest"
import { parseDemoArguments } from "../../demo/arguments.ts"
import type { TracerSettings } from "../../demo/control-plane/tracing.ts"
import { FaultProblem } from "../../demo/fault-words.ts"
import { readPlay } from "../../demo/session.ts"
import { planSpans } from "../../demo/spans.ts"

test("defaults: everyday load on yelb until Ctrl-C", () => {
  expect(parseDemoArguments([])).toEqual({
    help: false,
    forMs: undefined,
    json: false,
    rate: 20,
    seed: 1,
    mesh: "yelb",
    logs: "mixed",
    mix: "everyday",
    keep: false,
    bare: false,
    tracer: "xray",
    showTrace: false,
    spansTo: undefined,
    tracesOut: undefined,
    faults: [],
  })
})

test("faults come in the order of their times", () => {
  const { faults, forMs } = parseDemoArguments([
    "--for",
    "2m",
    "--fault",
    "weights 0:1@1m",
    "--fault",
    "kill-app@20s",
  ])
  expect(forMs).toBe(120_000)
  expect(faults).toEqual([
    { line: "kill-app", atMs: 20_000 },
    { line: "weights 0:1", atMs: 60_000 },
  ])
})

test.each([
  [["--rate", "fast"], /--rate expects a number/],
  [["--rate", ""], /--rate expects a number/],
  [["--tracer", "datadog"], /--tracer expects none or xray/],
  [["--tracer", "none", "--traces-out", "http://127.0.0.1:1"], /--traces-out needs a tracer/],
  [["--tracer", "otlp", "--bare", "--traces-out", "http://127.0.0.1:1"], /--traces-out needs a tracer/],
  [["--tracer", "otlp", "--traces-out", "127.0.0.1:1"], /--traces-out expects a base address/],
  [["--spans-to", "localhost:2000"], /--spans-to expects an IPv4 address/],
  [["--spans-to", "127.0.0.1:70000"], /--spans-to expects an IPv4 address/],
  [["--mesh", "other"], /--mesh expects yelb or extended/],
  [["--json"], /--json needs --for/],
  [["--for", "soon"], /--for expects a duration/],
  [["--for", "5"], /--for expects a duration with its unit/],
  [["--for", "0s"], /--for expects a duration/],
  [["--fault", "kill-app"], /--fault expects a line and a time/],
  [["--explode"], /--explode/],
  [["--for", "10s", "--fault", "kill-app@20s"], /kill-app@20s comes after the end, --for 10s/],
])("%j is refused", (args, message) => {
  expect(() => parseDemoArguments(args)).toThrow(message)
})

test("JSON goes with a time", () => {
  expect(parseDemoArguments(["--for", "60s", "--json"])).toMatchObject({ forMs: 60_000, json: true })
})

test.each(["yelb", "extended"] as const)(
  "a fault that cannot be meant is refused by %s's model alone, with what there is",
  async (mesh) => {
    const known = [{ line: "weights 0:1", atMs: 1 }]
    const { declared, model } = await readPlay({ mesh, faults: known })
    expect(model.meshes).toEqual([declared])
    const nodes = declared.virtualNodes.map(({ name }) => name).join(", ")
    const rows = [
      ["nosuch", /^There is no fault "nosuch"\. There are: kill-app, .*, heal\.$/],
      ["kill-app yelb-uii", `No virtual node is called "yelb-uii". There are: ${nodes}.`],
      ["kill-app yelb", `"yelb" fits more than one virtual node. There are: ${nodes}.`],
      ["kill-app yelb-ui off", '"kill-app [node]" expects no other word, not "off".'],
      ["slow-app ui fast", '"slow-app [node] [ms]" expects a whole number of at least 0, not "fast".'],
      ["abort-app yes", /^No virtual node is called "yes"/],
      ["remove-route nowhere", /^No route is called "nowhere"\. There are: /],
      ["weights", '"weights <v1>:<v2>" expects two weights such as 99:1 (not both 0).'],
      ["weights 0:0", '"weights <v1>:<v2>" expects two weights such as 99:1 (not both 0), not "0:0".'],
    ] as const
    for (const [line, message] of rows) {
      const refused = readPlay({ mesh, faults: [...known, { line, atMs: 3000 }] })
      await expect(refused).rejects.toThrow(FaultProblem)
      await expect(refused).rejects.toThrow(message)
    }
  },
)

test.each([
  "kill-app",
  "kill-app ui",
  "kill-app v2",
  "kill-app yelb-appserver",
  "slow-app 500",
  "slow-app yelb-ui",
  "breaker off",
  "breaker ui 3",
  "abort-app off",
  "no-endpoints ui off",
  "remove-route",
  "canary off",
  "undeclared",
  "heal",
])("%s is understood", async (line) => {
  await expect(readPlay({ mesh: "yelb", faults: [{ line, atMs: 0 }] })).resolves.toBeDefined()
})

const silent = (): void => {}
const SHELF = "http://127.0.0.1:9"

test("a tracer, and where its spans go", async () => {
  const args = parseDemoArguments(["--tracer", "xray", "--spans-to", "127.0.0.2:2001"])
  expect(await planSpans(args, SHELF, silent)).toEqual({
    tracers: { "*": { kind: "xray", host: "127.0.0.2", port: 2001, samplingRate: 1 } },
    receive: {},
    publish: {},
    told: "of every request, X-Ray segments by UDP to 127.0.0.2:2001",
  })
})

test("spans pass the agent where it is told whom to give them to", async () => {
  const args = parseDemoArguments(["--tracer", "zipkin", "--traces-out", "http://127.0.0.1:14318"])
  const { tracers, receive, publish } = await planSpans(args, SHELF, silent)
  const { port } = tracers["*"] as TracerSettings
  expect(receive).toEqual({ zipkin: { listen: `127.0.0.1:${port}` } })
  expect(publish).toEqual({
    zipkin: { endpoint: SHELF },
    otlpTraces: { endpoint: "http://127.0.0.1:14318" },
  })
})

test("nothing of spans without a tracer", async () => {
  const plan = await planSpans(parseDemoArguments(["--tracer", "none"]), SHELF, silent)
  expect(plan).toEqual({ tracers: {}, receive: {}, publish: {}, told: "" })
})

test("the demo's own agent takes X-Ray's segments by default; without an agent nobody traces", async () => {
  const { receive } = await planSpans(parseDemoArguments([]), SHELF, silent)
  expect(receive).toEqual({ xray: { udp: expect.any(String), tcp: expect.any(String) } })
  expect(parseDemoArguments(["--bare"]).tracer).toBe("none")
})
