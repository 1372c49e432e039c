import { readFile } from "node:fs/promises"
import { promisify } from "node:util"
import { gunzip } from "node:zlib"
import type { Clock } from "#mesh/clock.ts"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { Environment } from "#mesh/interpolation.ts"
import type { ModelSource, ReportModel } from "#mesh/model-source.ts"
import { MOST_MODEL_BYTES, readModelText } from "#mesh/model-text.ts"
import { filledHeaders } from "./config/headers.ts"
import type { ModelCollectorConfig } from "./config/model-schema.ts"
import { readTls } from "./config/tls.ts"
import { makePushClient, type PushAnswer, type PushClient } from "./publish/http/push-client.ts"

export interface CollectorModelDeps {
  readonly clock: Clock
  readonly env: Environment
  readonly report: ReportModel
}

/** After a failure the next try comes sooner than the interval, ms: half a rollout waits for the collector. */
const FIRST_RETRY_MS = 1000
/** Agents that were started together do not ask together: each waits up to so much longer or shorter. */
const SPREAD = 0.1

const unzip = promisify(gunzip)
const textOf = (path: string): Promise<string> => readFile(path, "utf8")

/** What was last read. */
interface Held {
  readonly etag: string
}

/** The declared model as a collector tells it, asked for again and again. */
export function collectorModel(config: ModelCollectorConfig, deps: CollectorModelDeps): ModelSource {
  const { clock, report } = deps
  return {
    async run(emit, signal) {
      const client = clientOf(config, deps)
      let held: Held = { etag: "" }
      let failures = 0
      while (!signal.aborted) {
        try {
          const { model, etag } = await ask(client, config, held, signal)
          if (signal.aborted) break
          // The collector tells its notes itself; a hundred agents need not repeat them.
          if (model !== undefined) emit({ model: model.model, notes: [] })
          held = { etag }
          failures = 0
          report(undefined)
        } catch (error) {
          if (signal.aborted) break
          failures++
          report(error instanceof Error ? error : new Error(String(error)))
        }
        const wait = Math.min(
          config.interval,
          failures === 0 ? Infinity : FIRST_RETRY_MS * 2 ** (failures - 1),
        )
        await clock.sleep(wait * (1 - SPREAD + 2 * SPREAD * Math.random()), signal)
      }
      client.close()
    },
  }
}

function clientOf(config: ModelCollectorConfig, { env }: Pick<CollectorModelDeps, "env">): PushClient {
  return makePushClient({
    headers: () => filledHeaders(config.headers, { env, readFile: textOf }),
    tls: () => readTls(config.tls, textOf),
    maxAnswerBytes: MOST_MODEL_BYTES + 1,
  })
}

/** `model` undefined: the one that is held is still the newest. */
async function ask(
  client: PushClient,
  { url, timeout }: ModelCollectorConfig,
  { etag }: Held,
  signal: AbortSignal,
): Promise<Held & { readonly model: ParsedModel | undefined }> {
  const headers = { "accept-encoding": "gzip", ...(etag === "" ? {} : { "if-none-match": etag }) }
  const order = { method: "GET", url: new URL(`${url}/model`), headers, body: new Uint8Array() } as const
  const answer = await client.send(order, AbortSignal.any([signal, AbortSignal.timeout(timeout)]))
  if (answer.kind === "trouble")
    throw new MeshscopeError(
      "COLLECTOR_UNREACHABLE",
      `The collector at ${url} (model.collector.url) does not tell the declared model: ${answer.why}`,
      { retryable: true },
    )
  if (answer.status === 304 && etag !== "") return { etag, model: undefined }
  if (answer.status !== 200) throw refusal(answer.status, url)
  const model = readModelText(await bodyText(answer, url), `of the collector at ${url}`)
  const told = answer.headers.etag ?? ""
  return { etag: told.length <= 256 ? told : "", model }
}

async function bodyText(answer: Extract<PushAnswer, { kind: "answer" }>, url: string): Promise<string> {
  const { body, headers } = answer
  if (body.length > MOST_MODEL_BYTES) throw tooLarge(url)
  const coding = headers["content-encoding"] ?? "identity"
  if (coding === "identity") return body.toString("utf8")
  try {
    if (coding === "gzip") return (await unzip(body, { maxOutputLength: MOST_MODEL_BYTES })).toString("utf8")
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(url)
  }
  throw badAnswer(url, "its answer cannot be decompressed")
}

const tooLarge = (url: string): MeshscopeError => badAnswer(url, "it is larger than 64 MiB")

function badAnswer(url: string, why: string): MeshscopeError {
  return new MeshscopeError(
    "COLLECTOR_BAD_ANSWER",
    `The declared model of the collector at ${url} (model.collector.url) cannot be read: ${why}.`,
  )
}

/** What to do about a status that brings no model. */
function refusal(status: number, url: string): MeshscopeError {
  const at = `The collector at ${url} (model.collector.url)`
  if (status === 401 || status === 403)
    return new MeshscopeError(
      "COLLECTOR_REFUSED",
      `${at} does not accept who we are (status ${status}): check the token in model.collector.headers, and the collector's setting intake.`,
    )
  if (status === 404)
    return new MeshscopeError(
      "COLLECTOR_BAD_ANSWER",
      `${at} tells no declared model (status 404): give the collector the setting model, or correct the address.`,
    )
  if (status === 503)
    return new MeshscopeError(
      "COLLECTOR_UNREACHABLE",
      `${at} does not know the declared model yet (status 503).`,
      {
        retryable: true,
      },
    )
  if (status >= 300 && status < 400)
    return badAnswer(
      url,
      `it sends us elsewhere (status ${status}), which is not followed: correct the address`,
    )
  return badAnswer(url, `it answers with status ${status}`)
}
