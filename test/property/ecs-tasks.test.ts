import * as fc from "fast-check"
import { expect, test } from "vitest"
import { envoyTargets } from "../../agent/discover/ecs/envoys.ts"
import { noFacts } from "../../agent/discover/ecs/facts.ts"
import { type EcsTask, introspectedTasks, ownTask } from "../../agent/discover/ecs/tasks.ts"
import { MeshscopeError } from "../../mesh/errors.ts"
import { application, container, task } from "../fake/ecs/shapes.ts"

/** Pages of a stranger that look like the ECS agent's: some part of a true one replaced by anything. */
const rules = { images: ["aws-appmesh-envoy"], containers: ["envoy"], adminPort: 9901, host: "127.0.0.1" }
const PAGE = JSON.stringify({ Tasks: [task(1, [application(11), container(12)]), task(2, [container(13)])] })
const OWN = JSON.stringify({
  Cluster: "yelb",
  TaskARN: task(1, []).Arn,
  Family: "f",
  Revision: "1",
  Containers: [container(12)],
})
const PLACES = ["Arn", "KnownStatus", "Family", "Version", "DockerId", "Name", "Image", "Networks", "TaskARN"]

const text = fc.oneof(
  fc.string({ maxLength: 40 }),
  fc.constantFrom("../../etc/passwd", "a/b", "envoy", "..", "__proto__", "\u0000", "x".repeat(3000)),
)

const LOGS = { from: "shared-volume", file: "/mnt/{task_id}/{container_name}.log" } as const

/** What cannot be right in what was read of a page: a refusal without words, or a name that leads elsewhere in a path. */
function faults(read: () => readonly EcsTask[]): readonly unknown[] {
  try {
    return envoyTargets(read(), rules, LOGS, noFacts, () => undefined).filter(
      ({ name, logs }) =>
        !/^[A-Za-z0-9-]+\/[A-Za-z0-9_-]+$/.test(name) ||
        !logs.every((log) => /^\/mnt\/[A-Za-z0-9-]+\/[A-Za-z0-9_-]+\.log$/.test(log)),
    )
  } catch (error) {
    return error instanceof MeshscopeError ? [] : [error]
  }
}

test("a page with anything in its place gives a refusal, or names that are safe", () => {
  fc.assert(
    fc.property(fc.constantFrom(...PLACES), fc.oneof(text, fc.anything()), (place, value) => {
      const put = (key: string, old: unknown): unknown => (key === place ? value : old)
      expect(faults(() => introspectedTasks(JSON.parse(PAGE, put), "yelb"))).toEqual([])
      expect(faults(() => [ownTask(JSON.parse(OWN, put))])).toEqual([])
    }),
  )
})

test("anything at all gives a refusal", () => {
  fc.assert(
    fc.property(fc.anything(), (page) => {
      expect(faults(() => introspectedTasks(page, "yelb"))).toEqual([])
      expect(faults(() => [ownTask(page)])).toEqual([])
    }),
  )
})
