import { type ApiName, type JsonHandler, jsonRun, type Operation } from "../operation.ts"
import { createLogGroup, createLogStream, describeLogGroups, putRetentionPolicy } from "./groups.ts"
import { putLogEvents } from "./put-log-events.ts"
import { type FakeLogs, type LogGroup, makeStore, type StoredEvent } from "./store.ts"

export type { FakeLogs } from "./store.ts"

const operation = (api: ApiName, handler: JsonHandler): Operation => ({
  api,
  service: "logs",
  wire: "json-1.1",
  throttle: { code: "ThrottlingException", status: 400 },
  gzip: false,
  run: jsonRun("json-1.1", handler),
})

/** CloudWatch Logs. @param onTaken told of each event that is stored */
export function makeLogs(onTaken: (group: LogGroup, event: StoredEvent) => void): {
  store: FakeLogs
  operations: Operation[]
} {
  const store = makeStore()
  return {
    store,
    operations: [
      operation("logs:CreateLogGroup", createLogGroup(store)),
      operation("logs:CreateLogStream", createLogStream(store)),
      operation("logs:DescribeLogGroups", describeLogGroups(store)),
      operation("logs:PutLogEvents", putLogEvents(store, onTaken)),
      operation("logs:PutRetentionPolicy", putRetentionPolicy(store)),
    ],
  }
}
