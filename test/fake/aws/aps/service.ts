import type { Operation } from "../operation.ts"
import { remoteWrite } from "./remote-write.ts"
import { type FakeAps, makeStore } from "./store.ts"

export type { FakeAps } from "./store.ts"

/** Amazon Managed Service for Prometheus, its remote write: `/workspaces/<any>/api/v1/remote_write`, one store for all. */
export function makeAps(): { store: FakeAps; operations: Operation[] } {
  const store = makeStore()
  const operation: Operation = {
    api: "aps:RemoteWrite",
    service: "aps",
    wire: "rest-json",
    // AMP-troubleshooting.html: 429 for the rate of samples, of calls, and for too many series
    throttle: { code: "ThrottlingException", status: 429 },
    gzip: false,
    run: (call) => remoteWrite(store, call),
  }
  return { store, operations: [operation] }
}
