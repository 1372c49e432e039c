import { randomBytes } from "node:crypto"
import { readFile } from "node:fs/promises"
import { hostname } from "node:os"
import type { Clock } from "#mesh/clock.ts"
import type { Environment } from "#mesh/interpolation.ts"
import { ByteBudget } from "../collect/receive/byte-budget.ts"
import { ForwardIntake } from "../collect/receive/forward-intake.ts"
import { filledHeaders } from "../config/headers.ts"
import type { ReceiveForwardConfig } from "../config/receive-forward-schema.ts"
import { ackOf } from "../decode/forward/forward-message.ts"
import type { Pipeline } from "../pipeline.ts"
import type { Log } from "../telemetry/log.ts"
import type { Telemetry } from "../telemetry/telemetry.ts"
import { ForwardMessages } from "./forward-connection.ts"
import { type Delivery, SentLines } from "./sent-lines.ts"

export interface ForwardDeps {
  readonly clock: Clock
  readonly log: Log
  readonly telemetry: Telemetry
  readonly pipeline: Pipeline
  readonly env: Environment
  readonly maxLineBytes: number
}

/** How often it is looked whether the proxy of what waits has come. */
const LOOK_MS = 1000
/** Senders wait for an acknowledgement, which follows a commit: one comes so soon after the first that asks. */
const COMMIT_MS = 100
/** Chunks that wait to be acknowledged, as while the disk is full; who sends more is not read. */
const MOST_UNACKED = 10_000
const NONCE_BYTES = 16

interface Unacked {
  readonly chunk: string
  readonly delivery: Delivery
  readonly send: (bytes: Buffer) => void
}

/**
 * Takes containers' output by Fluent's forward protocol. A chunk is acknowledged after the commit that holds its lines, so
 * that nothing is lost by a kill; what was committed and not yet acknowledged is sent again and counts twice.
 * @returns ends it
 * @throws MeshscopeError LISTEN_FAILED, FILE_UNREADABLE and CONFIG_* of the shared key
 */
export async function startForward(
  config: ReceiveForwardConfig,
  deps: ForwardDeps,
): Promise<() => Promise<void>> {
  const { clock, log, pipeline, telemetry } = deps
  const budget = new ByteBudget(config.buffer)
  const lines = new SentLines({
    clock,
    budget,
    holdMs: config.hold,
    maxLineBytes: deps.maxLineBytes,
    proxies: () => pipeline.proxies,
    lines: pipeline.lines,
  })
  const acks = new Acks(pipeline)
  const sharedKey = await sharedKeyOf(config, deps)
  const visitor = (delivery: Delivery) => ({
    record: (record: Parameters<SentLines["take"]>[0]) => lines.take(record, delivery),
    other: () => {
      lines.drops.no_log += 1
    },
  })
  const intake = new ForwardIntake(config, {
    opened: (send, count) =>
      new ForwardMessages({
        budget,
        limits: config,
        secret:
          sharedKey === undefined
            ? undefined
            : { sharedKey, nonce: randomBytes(NONCE_BYTES), hostName: hostname() },
        isFull: () => acks.full,
        visitor,
        acknowledge: (chunk, delivery) => acks.add({ chunk, delivery, send }),
        send,
        count,
      }),
    failed: (error) =>
      log.error("Lines could not be read.", { code: "INTAKE_MALFORMED", target: "receive.forward", error }),
  })
  const address = await intake.start()
  observe(telemetry, intake, lines)
  log.info("Takes containers' output by Fluent's forward protocol.", { address })
  const looks = setInterval(() => lines.look(), LOOK_MS)
  return async () => {
    clearInterval(looks)
    lines.look()
    acks.end()
    await intake.stop()
  }
}

/** Acknowledges what is kept: after a commit, whatever of it waits for nothing any more. */
class Acks {
  readonly #pipeline: Pipeline
  #unacked: Unacked[] = []
  #soon: NodeJS.Timeout | undefined

  constructor(pipeline: Pipeline) {
    this.#pipeline = pipeline
    const { committed } = pipeline
    pipeline.committed = () => {
      committed()
      this.#committed()
    }
  }

  get full(): boolean {
    return this.#unacked.length >= MOST_UNACKED
  }

  add(one: Unacked): void {
    this.#unacked.push(one)
    this.#soon ??= setTimeout(() => {
      this.#soon = undefined
      this.#pipeline.commit()
    }, COMMIT_MS)
  }

  /** What was read is committed, and acknowledged. */
  end(): void {
    clearTimeout(this.#soon)
    this.#pipeline.commit()
  }

  #committed(): void {
    const all = this.#unacked
    this.#unacked = []
    for (const one of all) {
      if (one.delivery.waiting === 0) one.send(ackOf(one.chunk))
      else this.#unacked.push(one)
    }
  }
}

const readText = (path: string): Promise<string> => readFile(path, "utf8")

async function sharedKeyOf(
  { sharedKey }: ReceiveForwardConfig,
  { env }: ForwardDeps,
): Promise<string | undefined> {
  if (sharedKey === undefined) return undefined
  const { key } = await filledHeaders({ key: sharedKey }, { env, readFile: readText })
  return key
}

function observe(telemetry: Telemetry, intake: ForwardIntake, { drops }: SentLines): void {
  telemetry.observe("intakeRequests", (tell) => {
    const { requests, droppedConnections } = intake.counters()
    for (const [result, count] of Object.entries(requests)) tell(count, { intake: "forward", result })
    tell(droppedConnections, { intake: "forward", result: "too_many_connections" })
  })
  telemetry.observe("dropped", (tell) => {
    for (const [reason, count] of Object.entries(drops)) tell(count, { stage: "receive_lines", reason })
  })
}
