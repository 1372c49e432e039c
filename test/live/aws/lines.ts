import { readFile } from "node:fs/promises"
import type { Fleet } from "../../../demo/fleet.ts"
import { classOf } from "../../../demo/truth.ts"
import type { FakeAws } from "../../fake/aws/fake-aws.ts"
import { type Counts, countsOf, type Labels } from "../rig/counts.ts"
import { REQUEST_NAMES } from "../rig/truth-counts.ts"
import { ACCESS_GROUP } from "./page.ts"

export type Json = Readonly<Record<string, unknown>>

/** An access line as Envoy wrote it. */
export interface EnvoyLine {
  readonly proxy: string
  readonly json: Json
}

const HEALTH_CHECKER = /^(?:Envoy\/HC|ELB-HealthChecker\/)/

/** All access lines of all Envoys, read from their own files. */
export async function envoyLines({ proxies }: Fleet): Promise<readonly EnvoyLine[]> {
  const files = await Promise.all(
    proxies.map(async ({ name, log }) => [name, await readFile(log, "utf8")] as const),
  )
  return files.flatMap(([proxy, text]) =>
    text
      .split("\n")
      .filter((line) => line.startsWith("{"))
      .map((line) => ({ proxy, json: JSON.parse(line) as Json })),
  )
}

export const isHealthCheck = ({ json }: EnvoyLine): boolean => HEALTH_CHECKER.test(text(json["user_agent"]))

/** A health checker's request that was answered well: what is not sent to CloudWatch Logs. */
export function isLeftOut(line: EnvoyLine): boolean {
  const code = Number(line.json["response_code"])
  return isHealthCheck(line) && code >= 200 && code < 300
}

/** Whether a line tells of a request; the others tell of a connection. */
export const isRequest = ({ json }: EnvoyLine): boolean => typeof json["method"] === "string"

/** All events of the mesh's access lines, parsed. */
export const accessEvents = (fake: FakeAws): readonly Json[] =>
  fake.logs.events(ACCESS_GROUP).map(({ message }) => JSON.parse(message) as Json)

/** What an event and the line that it was made of have in common, as one text. */
export const lineWords = ({ proxy, json }: EnvoyLine): string =>
  words(
    proxy,
    json["start_time"],
    json["request_id"],
    rootOf(json["x_amzn_trace_id"]),
    isRequest({ proxy, json }) ? json["response_code"] : undefined,
    json["response_flags"],
    json["duration"],
    json["bytes_received"],
    json["bytes_sent"],
    json["upstream_host"],
  )

export const eventWords = (event: Json): string =>
  words(
    event["proxy"],
    event["time"],
    event["request_id"],
    event["trace_id"],
    event["code"],
    event["flags"],
    event["duration_ms"],
    event["request_bytes"],
    event["response_bytes"],
    event["upstream_host"],
  )

const words = (...all: readonly unknown[]): string => all.map((word) => text(word)).join(" ")

/** `1-<8>-<24>` of a trace header. */
const rootOf = (header: unknown): string => /Root=([^;]+)/.exec(text(header))?.[1] ?? ""

/** Texts and numbers as text; anything else is none. */
export const text = (value: unknown): string =>
  typeof value === "string" || typeof value === "number" ? String(value) : ""

/** Events of requests in the shape of `truthRequests`. */
export function eventRequests(events: readonly Json[]): Counts {
  return countsOf(
    events.filter(isCounted).map((event) => [eventLabels(event), 1] as const),
    REQUEST_NAMES,
  )
}

/** Whether an event tells of a request that counts. */
export const isCounted = (event: Json): boolean =>
  event["health_check"] !== true && event["protocol"] !== "tcp"

/** An event's labels as the metrics have them. */
export const eventLabels = (event: Json): Labels => ({
  ...Object.fromEntries(["mesh", ...REQUEST_NAMES].map((name) => [name, text(event[name])])),
  code_class: classOf(Number(event["code"])),
})
