import { expect, test } from "vitest"
import { spanStatus } from "../../agent/resolve/spans/span-status.ts"
import { STATUS_OK } from "../../mesh/span.ts"

type Row = readonly [code: number, grpc: number, flags: string, door: boolean, words: string, why: string]
const ROWS: readonly Row[] = [
  [200, -1, "-", false, "", "fine"],
  [200, -1, "", false, "", "fine, no flags told"],
  [404, -1, "-", false, "error", "the application's"],
  [429, -1, "-", false, "error throttle", "the application's"],
  [503, -1, "-", false, "fault", "the application's"],
  [503, -1, "UF,URX", false, "fault", "Envoy's own"],
  [0, -1, "UC", false, "fault", "no answer"],
  [0, -1, "DC", false, "error", "the caller left"],
  [200, -1, "DC", false, "error", "the caller left in the middle"],
  [200, -1, "UC", false, "fault", "the application left in the middle"],
  [404, -1, "NR", true, "error", "a gateway has no route for the caller's path"],
  [404, -1, "NR", false, "error", "a 4xx, whoever answered it"],
  [504, -1, "UT", false, "fault", "too late"],
  [200, 0, "-", false, "", "gRPC, fine"],
  [200, 5, "-", false, "error", "gRPC, NOT_FOUND"],
  [200, 8, "-", false, "error throttle", "gRPC, RESOURCE_EXHAUSTED"],
  [200, 13, "-", false, "fault", "gRPC, INTERNAL"],
  [-1, -1, "UH", false, "fault", "flags alone"],
  [429, -1, "RL", false, "error throttle", "Envoy's rate limit"],
]
test.each(ROWS)(
  "code %i, gRPC %i, flags %s, gateway's door %s: %s (%s)",
  (code, grpcStatus, flags, gatewayDoor, words) => {
    const status = spanStatus({ code, grpcStatus, flags, gatewayDoor }, STATUS_OK)
    const told = (["error", "throttle", "fault"] as const).filter((word) => status[word])
    expect(told.join(" ")).toBe(words)
  },
)

test("what the sender said stays where nothing else tells", () => {
  const said = { error: false, throttle: false, fault: true }
  expect(spanStatus({ code: -1, grpcStatus: -1, flags: "-", gatewayDoor: false }, said)).toBe(said)
  expect(spanStatus({ code: 200, grpcStatus: -1, flags: "-", gatewayDoor: false }, said)).toBe(said)
  expect(spanStatus({ code: 200, grpcStatus: 0, flags: "-", gatewayDoor: false }, said)).toEqual(STATUS_OK)
})
