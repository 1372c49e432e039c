import { mkdtemp, readFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { parseKubernetesObjects } from "#mesh/declare/kubernetes.ts"
import type { DeclaredMesh, DeclaredModel } from "#mesh/declared.ts"
import type { DemoArguments } from "./arguments.ts"
import { FaultProblem } from "./fault-words.ts"
import { applyFault, readFault } from "./faults.ts"
import { type Product, startProduct } from "./product.ts"
import { ALL_JSON, MIXED_LOGS, PLACEMENT } from "./settings.ts"
import { agentTakesSpans, planSpans } from "./spans.ts"
import { type Stage, startStage } from "./stage.ts"
import { startTraceShelf, type TraceShelf } from "./trace-shelf.ts"
import { removeFolder } from "./xds-folder.ts"

/** One run of the demo: the stage, and the product that watches it. */
export interface Session {
  readonly stage: Stage
  /** Undefined with `--bare`. */
  readonly product: Product | undefined
  /** The mesh that faults speak of. */
  readonly declared: DeclaredMesh
  readonly runDir: string
  /** Where the spans go; empty: nobody traces. */
  readonly spansTold: string
  /** What the agent made of them; undefined where they do not come to it. */
  readonly shelf: TraceShelf | undefined
  /** Runs load and timed faults until the time is over or the signal aborts. */
  play(signal: AbortSignal): Promise<void>
  /** Ends all processes and removes the run folder unless it is to be kept. */
  stop(): Promise<void>
}

export interface SessionDeps {
  readonly envoy: string
  /** Sentences for the user. */
  readonly say: (sentence: string) => void
}

/** What the run was asked to show, from its model file alone. */
export interface Play {
  readonly model: DeclaredModel
  readonly modelFile: string
  /** Its first mesh. */
  readonly declared: DeclaredMesh
}

/**
 * Reads the mesh. A fault that cannot be meant is refused here, before anything starts, not when its time comes.
 * @throws FaultProblem
 */
export async function readPlay(args: Pick<DemoArguments, "mesh" | "faults">): Promise<Play> {
  const modelFile = join(import.meta.dirname, args.mesh === "extended" ? "yelb-extended.yaml" : "yelb.yaml")
  const { model } = parseKubernetesObjects(await readFile(modelFile, "utf8"), modelFile)
  const [mesh] = model.meshes
  if (mesh === undefined) throw new FaultProblem(`${modelFile} declares no mesh.`)
  for (const { line } of args.faults) readFault(mesh, line)
  return { model, modelFile, declared: mesh }
}

export async function startSession(
  args: DemoArguments,
  { model, modelFile, declared }: Play,
  { envoy, say }: SessionDeps,
): Promise<Session> {
  const runDir = await mkdtemp(join(tmpdir(), "meshscope-demo-"))
  const closing: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    for (const close of closing.splice(0).toReversed()) await close()
  }
  closing.push(() => (args.keep ? Promise.resolve(say(`Kept: ${runDir}`)) : removeFolder(runDir)))
  try {
    const shelf = agentTakesSpans(args) ? await startTraceShelf() : undefined
    if (shelf !== undefined) closing.push(() => shelf.stop())
    const spans = await planSpans(args, shelf?.url ?? "", say)
    say("Starting the Envoys and their applications.")
    const logs = args.logs === "json" ? ALL_JSON : MIXED_LOGS
    const { rate, seed, mix } = args
    const stage = await startStage({
      model,
      placement: PLACEMENT,
      runDir,
      logs,
      envoy,
      rate,
      seed,
      mix,
      concurrency: 64,
      tracers: spans.tracers,
      tracesBegan: Math.floor(Date.now() / 1000),
    })
    closing.push(() => stage.stop())
    let product: Product | undefined
    if (!args.bare) {
      say("Starting the collector and the agent, until every Envoy has been read.")
      const watching = await startProduct({
        runDir,
        targetsFile: stage.fleet.targetsFile,
        modelFile,
        receive: spans.receive,
        publish: spans.publish,
        say,
      })
      closing.push(() => watching.stop())
      await watching.ready(stage.fleet.proxies.length)
      product = watching
    }
    return {
      stage,
      product,
      declared,
      runDir,
      spansTold: spans.told,
      shelf,
      play: (signal) => play(args, stage, declared, say, signal),
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}

/** How often the records of a long run are folded into counts, so that they take no memory. */
const FOLD_MS = 20_000

async function play(
  args: DemoArguments,
  stage: Stage,
  declared: DeclaredMesh,
  say: (sentence: string) => void,
  signal: AbortSignal,
): Promise<void> {
  const over = new AbortController()
  const ended = AbortSignal.any([signal, over.signal])
  const timer = args.forMs === undefined ? undefined : setTimeout(() => over.abort(), args.forMs)
  const begun = performance.now()
  const timed = async (): Promise<void> => {
    for (const { line, atMs } of args.faults) {
      await pause(atMs - (performance.now() - begun), ended)
      if (ended.aborted) return
      say(await applyFault(declared, stage, line))
    }
  }
  const folding = async (): Promise<void> => {
    while (!ended.aborted) {
      await pause(FOLD_MS, ended)
      await stage.truth()
    }
  }
  try {
    await Promise.all([stage.run(Number.POSITIVE_INFINITY, ended), timed(), folding()])
  } finally {
    over.abort()
    clearTimeout(timer)
  }
}

const pause = (ms: number, signal: AbortSignal): Promise<void> =>
  sleep(Math.max(0, ms), undefined, { signal }).catch(() => {})
