import { spawn } from "node:child_process"
import { once } from "node:events"
import { join } from "node:path"
import { XRayClient } from "@aws-sdk/client-xray"
import { expect, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import type { Span } from "#mesh/span.ts"
import { startXrayProxy } from "../../agent/collect/receive/xray-proxy.ts"
import { startXrayUdp } from "../../agent/collect/receive/xray-udp.ts"
import { makeXrayDecoder } from "../../agent/decode/spans/xray.ts"
import { makeXrayUpstream } from "../../agent/publish/xray/upstream.ts"
import { startFakeAws } from "../fake/aws/fake-aws.ts"

/** Uses the official SDK as its documents say. It ends by itself. */
const PROGRAM = join(import.meta.dirname, "../fixtures/spans/xray-sdk-program.ts")

test("the official X-Ray SDK for Node works unchanged: a segment with a subsegment, rules and targets", async () => {
  const fake = await startFakeAws()
  const client = new XRayClient({ endpoint: fake.url, region: fake.region, credentials: fake.credentials })
  const upstream = makeXrayUpstream(
    { now: () => Date.now() },
    { client: () => Promise.resolve(client), noteTrouble: () => undefined },
  )
  const spans: Span[] = []
  const decoder = makeXrayDecoder()
  const udp = await startXrayUdp(
    { listen: { host: "127.0.0.1", port: 0 }, receiveBufferBytes: 1_048_576, share: 1 },
    { clock: systemClock, document: (bytes) => void decoder.decode(bytes, (span) => spans.push(span)) },
  )
  const proxy = await startXrayProxy(
    { listen: { host: "127.0.0.1", port: 0 }, paths: [] },
    { send: (path, headers, body, signal) => upstream.send(path, headers, body, signal) },
  )
  try {
    const program = spawn(process.execPath, [PROGRAM], {
      env: {
        ...process.env,
        AWS_XRAY_DAEMON_ADDRESS: `tcp:127.0.0.1:${proxy.address.port} udp:127.0.0.1:${udp.address.port}`,
      },
      stdio: ["ignore", "pipe", "inherit"],
    })
    const said: string[] = []
    program.stdout.on("data", (chunk: Buffer) => said.push(chunk.toString()))
    const [code] = (await once(program, "exit")) as [number]
    expect(code).toBe(0)
    expect(said.join("")).toContain("Default")
    expect(fake.xray.samplingStatistics.map(({ RuleName }) => RuleName)).toContain("Default")
    expect(spans.map(({ service, name, kind, carried }) => [service, name, kind, carried])).toEqual([
      ["shop", "", "server", undefined],
      ["shop", "db", "client", true],
    ])
    expect(spans[0]?.attributes.get("tenant")).toBe("t1")
    expect(udp.counters().dropped).toEqual({ bad_header: 0, no_document: 0, overload: 0 })
    expect(proxy.counters()).toMatchObject({ passed: 2, refused: 0 })
  } finally {
    await Promise.all([udp.stop(), proxy.stop(), upstream.stop()])
    client.destroy()
    await fake.stop()
  }
})
