import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, expect, test } from "vitest"
import type { SpanNames } from "../../../agent/resolve/spans/span-names.ts"
import type { Span } from "../../../mesh/span.ts"
import { decodedSpans } from "../../fixtures/spans/decoded.ts"
import { told } from "../../fixtures/spans/told.ts"
import { type Asked, startMesh, type TracedMesh } from "./mesh.ts"
import { configsOf, namesOf } from "./named.ts"
import { type Recorder, startRecorder } from "./recorder.ts"
import { TRACERS } from "./tracers.ts"

/** How calls of the ui end in a mesh with gRPC, timeouts, a canary without pods and a service without routes. */
const EXTENDED = join(import.meta.dirname, "../../../demo/yelb-extended.yaml")
const WAIT_MS = 5000

let recorder: Recorder
let mesh: TracedMesh
let names: SpanNames

beforeAll(async () => {
  recorder = await startRecorder()
  mesh = await startMesh({ tracers: { "*": TRACERS.xray(recorder) }, modelFile: EXTENDED })
  names = namesOf(mesh, await configsOf(mesh))
})
afterAll(async () => {
  await mesh?.stop()
  await recorder?.stop()
})

const grpc = (grpcStatus: number): Omit<Asked, "id"> => ({
  path: "/recommend/Top",
  behaviours: { "yelb-recommend": { grpcStatus } },
})
const CALL = "yelb/yelb-ui-virtual-node client sidecar"
const RECOMMEND = `${CALL} yelb-recommend recommend -> yelb/yelb-appserver-virtual-node`
const APP = "yelb/yelb-appserver-virtual-node server sidecar"

/** What is asked, and what the ui's call and the appserver tell of it. */
const ENDINGS: readonly (readonly [what: string, asked: Omit<Asked, "id">, spans: readonly string[]])[] = [
  ["gRPC, fine", grpc(0), [RECOMMEND, APP]],
  ["gRPC, the service's fault", grpc(13), [`${RECOMMEND} fault`, `${APP} fault`]],
  ["gRPC, the caller's error", grpc(5), [`${RECOMMEND} error`, `${APP} error`]],
  ["gRPC, exhausted", grpc(8), [`${RECOMMEND} error throttle`, `${APP} error throttle`]],
  [
    "gRPC, tried three times",
    grpc(14),
    [`${RECOMMEND} URX fault`, `${APP} fault`, `${APP} fault`, `${APP} fault`],
  ],
  [
    "a route's timeout: who was too slow saw its caller leave",
    { path: "/vote/hostname", behaviours: { "yelb-appserver": { hold: true } } },
    [`${CALL} yelb-appserver hostname -> yelb/yelb-appserver-virtual-node UT fault`, `${APP} DC error`],
  ],
  [
    "a node without pods; which route it was, only its header tells",
    { path: "/vote/hostname", headers: { "x-canary": "v2" } },
    [`${CALL} yelb-appserver -> yelb/yelb-appserver-virtual-node-v2 UH fault`],
  ],
  ["a service without routes", { path: "/empty" }, [`${CALL} yelb-empty (unmatched) -> yelb-empty NR error`]],
  [
    "a host that is no backend",
    { path: "/undeclared" },
    [`${CALL} (undeclared) (unmatched) -> yelb-ghost:4567 NR error`],
  ],
]

test.each(ENDINGS)("%s", async (_, asked, expected) => {
  recorder.clear()
  await mesh.ask({ id: "00000000-0000-4000-8000-000000000042", ...asked })
  const until = performance.now() + WAIT_MS
  // Gateway and ui tell of the request itself; the gateway's door, which ends last, tells last.
  while (recorder.all.length < expected.length + 3 && performance.now() < until) await sleep(20)
  const spans = decodedSpans(
    "xray",
    recorder.all.map(({ body }) => body),
  ).map((span) => names.name(span))
  expect(spans.slice(3).map(told)).toEqual(expected)
  expect(new Set(spans.map(({ traceId }: Span) => traceId)).size).toBe(1)
})
