import { writeFile } from "node:fs/promises"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import type { Truth } from "../../../demo/truth.ts"
import { type FakeAws, startFakeAws } from "../../fake/aws/fake-aws.ts"
import { keyText, type Labels } from "../rig/counts.ts"
import { freePort } from "../rig/free-port.ts"
import { truthRequests } from "../rig/truth-counts.ts"
import { biggest, type ClassicSet, ledgerByEmf, toldByEmf } from "./classic.ts"
import { difference, NO_DIFFERENCE } from "./difference.ts"
import {
  accessEvents,
  type EnvoyLine,
  envoyLines,
  eventRequests,
  eventWords,
  isCounted,
  isHealthCheck,
  isLeftOut,
  isRequest,
  lineWords,
} from "./lines.ts"
import { allOf, type Exported, exportedBy, sample } from "./page.ts"
import { type AwsStand, startAwsStand } from "./stand.ts"
import { toldOf } from "./told-of.ts"
import { expectedWords, segmentsOf } from "./traces.ts"

/**
 * An agent that has nothing at first: no region, no credentials, nobody who listens; and is killed once. Its proxies have no
 * tracers, so that spans come from lines, and its budget is smaller than its mesh.
 */
const REQUESTS = 300
const SINKS = ["cloudwatchLogs", "xray", "cloudwatchMetrics"]
const SET: ClassicSet = { reporter: "source", dimensions: ["mesh", "virtual_service", "route"] }
const METRICS = ["requests", "errors", "duration"]
/** Two routes have a place for each metric, the rest shares one. */
const MOST_METRICS = 9
const PLACES = 2
const OVERFLOW = { virtual_service: "(overflow)", route: "(overflow)" }
/** As the log calls them. */
const TARGETS = [/^X-Ray$/, /^CloudWatch Logs,/]

const PORT = await freePort()
const KEYS = { accessKeyId: "AKIDLATE000000000001", secretAccessKey: "the+late/secret" }

let fake: FakeAws
let stand: AwsStand
let truth: Truth
let lines: readonly EnvoyLine[]
/** The agent's page when it had no region, and when all was sent. */
let early: string
let page: string

beforeAll(async () => {
  stand = await startAwsStand({
    seed: 12,
    rate: 200,
    config: {
      spans: { fromLogs: true },
      publish: {
        cloudwatchLogs: {},
        xray: {},
        cloudwatchMetrics: {
          interval: "10s",
          sets: [{ ...SET, metrics: METRICS }],
          maxMetrics: MOST_METRICS,
        },
      },
    },
  })
  const credentials = join(stand.runDir, "credentials")
  const nothing = {
    AWS_EC2_METADATA_DISABLED: "true",
    AWS_CONFIG_FILE: join(stand.runDir, "config"),
    AWS_SHARED_CREDENTIALS_FILE: credentials,
  }
  stand.start(nothing)
  await stand.ready()
  await stand.stage.run(REQUESTS)
  truth = await stand.stage.truth()
  lines = await envoyLines(stand.stage.fleet)
  early = await stand.agent.until((now) => exportedBy(now, "cloudwatchLogs").waiting === events().length)
  await says(/^No AWS region is set/)
  await stand.agent.end("SIGKILL")
  stand.start({ ...nothing, AWS_REGION: "eu-west-1", AWS_ENDPOINT_URL: `http://127.0.0.1:${PORT}` })
  await says(/^No AWS credentials are found/)
  await writeFile(
    credentials,
    `[default]\naws_access_key_id=${KEYS.accessKeyId}\naws_secret_access_key=${KEYS.secretAccessKey}\n`,
  )
  await says(/^AWS cannot be reached/)
  fake = await startFakeAws({ port: PORT, credentials: KEYS })
  page = await stand.agent.until((now) => SINKS.every((sink) => isThrough(exportedBy(now, sink))), 60_000)
  await stand.agent.end("SIGTERM")
})

afterAll(async () => {
  await stand?.stop()
  await fake?.stop()
})

/** Lines that are to be sent. */
const events = (): readonly EnvoyLine[] => lines.filter((line) => !isLeftOut(line))

const isThrough = ({ waiting, accepted }: Exported): boolean => waiting === 0 && accepted > 0

async function says(reason: RegExp): Promise<void> {
  const until = performance.now() + 20_000
  for (const target of TARGETS) {
    while (!(await toldOf(stand.agent, target)).some((words) => reason.test(words))) {
      if (performance.now() > until) throw new Error(`It did not say ${String(reason)} of ${String(target)}.`)
      await sleep(50)
    }
  }
}

test.for(TARGETS)(
  "without region, credentials or network the agent starts, keeps all, and says of %s what is missing",
  async (target) => {
    expect(await toldOf(stand.agent, target)).toEqual([
      expect.stringMatching(/^No AWS region is set: set AWS_REGION/),
      expect.stringMatching(/^No AWS credentials are found: give the agent's pod, task or machine a role/),
      expect.stringMatching(/^AWS cannot be reached: check routes/),
      expect.stringMatching(/are taken again\.$/),
    ])
    expect(exportedBy(early, "cloudwatchLogs")).toEqual({ ...allOf(0), waiting: events().length })
    expect(exportedBy(early, "xray")).toEqual({ ...allOf(0), waiting: requests().length })
  },
)

test("afterwards every line is there, once, and tells the truth", () => {
  expect(difference(accessEvents(fake).map(eventWords), events().map(lineWords))).toEqual(NO_DIFFERENCE)
  expect(eventRequests(accessEvents(fake))).toEqual(truthRequests(truth.requests))
  expect(exportedBy(page, "cloudwatchLogs")).toEqual(allOf(events().length))
})

/** Lines of requests that count; a health check is no span. */
const requests = (): readonly EnvoyLine[] => lines.filter((line) => isRequest(line) && !isHealthCheck(line))

describe("spans from lines", () => {
  test("each sampled request at a proxy is one segment, with the route that its line tells", () => {
    const told = accessEvents(fake).filter(isCounted)
    const words = segmentsOf(fake).map((segment) => segment.words)
    expect(
      difference(
        words,
        told.map((event) => expectedWords(event, ({ route }) => route)),
      ),
    ).toEqual(NO_DIFFERENCE)
    expect(fake.xray.duplicates).toBe(0)
    expect(fake.xray.remarks).toEqual([])
    expect(exportedBy(page, "xray")).toEqual(allOf(requests().length))
  })

  test("every line is accounted for", () => {
    const refused = { intake: "lines", reason: "not_request" }
    expect(sample(early, "mesh_agent_spans_total", { intake: "lines" })).toBe(requests().length)
    expect(sample(early, "mesh_agent_spans_refused_total", refused)).toBe(lines.length - requests().length)
    expect(sample(early, "mesh_agent_spans_refused_total", { intake: "lines" })).toBe(
      lines.length - requests().length,
    )
  })
})

test("the cap: the biggest routes keep their metrics, the rest is summed, and the sums are the ledger's", () => {
  const { keys, groups } = biggest(page, SET, PLACES)
  const place = (own: Labels): Labels =>
    keys.has(keyText(own, SET.dimensions)) ? own : { ...own, ...OVERFLOW }
  expect(toldByEmf(fake)).toEqual(ledgerByEmf(page, [SET], place))
  expect(fake.metrics.series.length).toBeLessThanOrEqual(MOST_METRICS)
  expect(groups).toBeGreaterThan(PLACES + 1)
  expect(sample(page, "mesh_agent_cloudwatch_folded")).toBe(groups - PLACES)
  expect([...fake.metrics.emfErrors]).toEqual([])
})
