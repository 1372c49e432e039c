import type { Clock } from "#mesh/clock.ts"
import type { IstioOptions } from "#mesh/declare/istio/mesh.ts"
import { modelOfLiveObjects } from "#mesh/declare/live.ts"
import type { LiveObject } from "#mesh/declare/live-object.ts"
import { MODEL_RESOURCES, type ModelResource, ofResource } from "#mesh/declare/model-resources.ts"
import { inNamespaces } from "#mesh/declare/namespace-filter.ts"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import type { ModelSource, ReportModel } from "#mesh/model-source.ts"
import type { KubeApi, KubeObject, WatchScope } from "./contract.ts"
import type { KubernetesModelConfig } from "./model-schema.ts"

export interface ModelWatchDeps {
  readonly api: KubeApi
  readonly clock: Clock
  /** Told of each watch's problem once, and of nothing when none has any. */
  readonly report: ReportModel
}

/** How one kind is seen now. */
export interface KindState {
  /** `virtualnodes.appmesh.k8s.aws` */
  readonly resource: string
  /** Undefined while it was not listed. */
  readonly objects: number | undefined
  readonly problem: string | undefined
}

export interface ModelWatch extends ModelSource {
  kinds(): readonly KindState[]
}

/** Changes that come together make one model. */
const SETTLE_MS = 300
/** Of the time, so much may go into making models: they come seldom, but a rollout is many changes. */
const MOST_SHARE = 0.1

/** Kinds without a namespace; they are asked for in the whole cluster. */
export const CLUSTER_WIDE = new Set(["namespaces", "meshes"])

/** One kind in one scope. */
interface Watched {
  readonly resource: ModelResource
  readonly scope: WatchScope
  objects: readonly LiveObject[] | undefined
  problem: Error | undefined
}

/** The declared model of a running cluster, each kind watched once. */
export function modelWatch(
  config: KubernetesModelConfig,
  istio: IstioOptions,
  deps: ModelWatchDeps,
): ModelWatch {
  const watched = watchedOf(config)
  return {
    kinds: () => kindsOf(watched),
    async run(emit, signal) {
      const remade = remaking(() => modelOf(config, istio, watched), watched, deps.clock, emit, signal)
      await Promise.all(
        watched.map((one) =>
          deps.api.watch(one.resource, one.scope, listener(one, watched, deps, remade), signal),
        ),
      )
    },
  }
}

function watchedOf({ namespaces, flavors }: KubernetesModelConfig): readonly Watched[] {
  const scopes = namespaces.include.map((namespace) => ({ namespace }))
  return MODEL_RESOURCES.filter((resource) =>
    resource.flavors.some((flavor) => isOf(flavors, flavor)),
  ).flatMap((resource) =>
    (scopes.length === 0 || CLUSTER_WIDE.has(resource.plural) ? [{}] : scopes).map((scope) => ({
      resource,
      scope: { ...scope, reduce: withoutStatus },
      objects: undefined,
      problem: undefined,
    })),
  )
}

const isOf = (flavors: readonly string[], flavor: string): boolean => flavors.includes(flavor)

/** What a controller writes about an object declares nothing, and changes all the time. */
function withoutStatus(object: KubeObject): KubeObject {
  const { status: _, ...rest } = object
  return rest
}

function listener(one: Watched, all: readonly Watched[], { report }: ModelWatchDeps, remade: () => void) {
  return {
    changed(objects: ReadonlyMap<string, KubeObject>): void {
      one.objects = [...objects.values()].map((object) => ofResource(one.resource, object))
      remade()
    },
    problem(problem: Error | undefined): void {
      one.problem = problem
      if (problem !== undefined) report(problem)
      else if (all.every((each) => each.problem === undefined)) report(undefined)
      remade()
    },
  }
}

/** Makes the model anew a moment after it was told that something changed. */
function remaking(
  made: () => ParsedModel,
  watched: readonly Watched[],
  clock: Clock,
  emit: (model: ParsedModel) => void,
  signal: AbortSignal,
): () => void {
  let waiting = false
  let pauseMs = SETTLE_MS
  return () => {
    if (waiting || !isKnown(watched)) return
    waiting = true
    void clock.sleep(pauseMs, signal).then(() => {
      waiting = false
      if (signal.aborted || !isKnown(watched)) return
      const began = clock.monotonic()
      emit(made())
      pauseMs = Math.max(SETTLE_MS, (clock.monotonic() - began) / MOST_SHARE)
    })
  }
}

/** Every kind was listed, but for those that our role may not see; a part would look as if the rest were deleted. */
function isKnown(watched: readonly Watched[]): boolean {
  return (
    watched.some(({ objects }) => objects !== undefined) &&
    watched.every(({ objects, problem }) => objects !== undefined || isRefused(problem))
  )
}

const isRefused = (problem: Error | undefined): boolean =>
  problem instanceof MeshscopeError && problem.code === "KUBE_REFUSED"

function modelOf(
  config: KubernetesModelConfig,
  istio: IstioOptions,
  watched: readonly Watched[],
): ParsedModel {
  const { namespaces } = config
  const objects = inNamespaces(
    watched.flatMap((one) => one.objects ?? []),
    { only: namespaces.include, except: namespaces.exclude },
  )
  return modelOfLiveObjects(objects, istio)
}

function kindsOf(watched: readonly Watched[]): readonly KindState[] {
  const kinds = new Map<ModelResource, KindState>()
  for (const { resource, objects, problem } of watched) {
    const { group, plural } = resource
    const known = kinds.get(resource)
    kinds.set(resource, {
      resource: group === "" ? plural : `${plural}.${group}`,
      objects: objects === undefined ? known?.objects : (known?.objects ?? 0) + objects.length,
      problem: problem?.message ?? known?.problem,
    })
  }
  return [...kinds.values()]
}
