import type { DeclaredModel } from "#mesh/declared.ts"
import type { ProxyConfig } from "#mesh/proxy.ts"
import type { Interner, Resolution } from "#mesh/request.ts"
import type { Span, SpanProxy } from "#mesh/span.ts"
import { type DeclaredNames, declaredNames } from "./declared-names.ts"
import { KnownProxies } from "./known-proxies.ts"
import { type KnownProxy, knownProxy } from "./known-proxy.ts"
import { calleeOf, chosenService, operationOf, sureName } from "./proxy-service.ts"
import { mayBeCut, spanFact, TAG, tagNumber, tagText, urlParts } from "./span-fact.ts"
import { proxyOf } from "./span-proxy.ts"
import { spanStatus } from "./span-status.ts"

/** Names spans by what the agent knows of its proxies. */
export interface SpanNames {
  /** What a proxy's configuration tells; replaces what was known under the target's name. */
  setProxy(target: string, config: ProxyConfig): void
  dropProxy(target: string): void
  /**
   * The span with `proxy`, service, callee, kind, name and status as the mesh knows them. Spans of applications, and of
   * proxies that cannot be told, are handed back as they are. Never throws, whatever a sender wrote; what it keeps comes
   * from configurations alone.
   */
  name(span: Span): Span
}

export interface SpanNamesDeps {
  readonly declared: DeclaredModel
  /** The agent's own: routes have the same rows as in its metrics. */
  readonly interner: Interner
}

export function makeSpanNames(deps: SpanNamesDeps): SpanNames {
  const known = new KnownProxies()
  const declared = declaredNames(deps.declared)
  return {
    setProxy: (target, config) => known.set(target, knownProxy(target, config, deps)),
    dropProxy: (target) => known.drop(target),
    name(span) {
      const proxy = proxyOf(span, known, declared)
      return proxy === undefined ? span : named(span, proxy, declared)
    },
  }
}

function named(span: Span, proxy: KnownProxy, declared: DeclaredNames): Span {
  const { identity } = proxy
  const cluster = tagText(span, TAG.upstreamCluster)
  const flags = tagText(span, TAG.responseFlags)
  const { authority, path } = urlParts(span.http.url ?? "")
  const resolution = proxy.resolver()?.resolve(spanFact(span))
  const direction = directionOf(span, resolution)
  const route = resolution === undefined ? NO_NAMES : routeNames(resolution, direction, path)
  const { target, isAway } = targetOf(proxy, cluster, direction, route.target)
  const virtualService = route.virtualService || (declared.service(identity.mesh, authority) ?? "")
  const { mesh, flavor, role, resource } = identity
  const about: SpanProxy = {
    mesh,
    flavor,
    role,
    resource,
    direction,
    cluster,
    target,
    virtualService: direction === "ingress" && role === "sidecar" ? "" : virtualService,
    route: route.route,
    flags,
  }
  const code = span.http.status ?? -1
  const gatewayDoor = role === "gateway" && direction === "ingress"
  const ended = { code, grpcStatus: tagNumber(span, TAG.grpcStatus), flags, gatewayDoor }
  return {
    ...span,
    name: span.name || operationOf(direction, authority),
    kind: direction === "egress" ? "client" : direction === "ingress" ? "server" : span.kind,
    service: chosenService(span.service, identity, proxy.nodeCluster),
    remote:
      direction === "egress"
        ? (isAway ? "" : calleeOf(about, identity)) || span.remote || authority
        : span.remote,
    status: spanStatus(ended, span.status),
    proxy: about,
  }
}

/** X-Ray's annotation, else the kind, which Envoy sets by the direction of the listener; else what the routes say. */
function directionOf(span: Span, resolution: Resolution | undefined): SpanProxy["direction"] {
  const said = tagText(span, TAG.direction)
  if (said === "ingress" || said === "egress") return said
  if (span.kind === "server") return "ingress"
  if (span.kind === "client") return "egress"
  if (resolution === undefined || resolution.kind === "undecided") return "unknown"
  return resolution.row.reporter === "source" ? "egress" : "ingress"
}

interface RouteNames {
  readonly virtualService: string
  readonly route: string
  readonly target: string
}
const NO_NAMES: RouteNames = { virtualService: "", route: "", target: "" }

/** What the resolver of lines says, where it speaks of the same pass as the span. */
function routeNames(resolution: Resolution, direction: SpanProxy["direction"], path: string): RouteNames {
  const { kind, row, target } = resolution
  if (kind === "undecided" || (row.reporter === "source") !== (direction === "egress")) return NO_NAMES
  return {
    virtualService: sureName(row.virtualService),
    route: mayBeCut(path) ? "" : sureName(row.gatewayRoute || row.route),
    target: sureName(target.name),
  }
}

/** `isAway`: out of the mesh, so that no name of the mesh stands for the callee. */
function targetOf(
  proxy: KnownProxy,
  cluster: string,
  direction: SpanProxy["direction"],
  resolved: string,
): { readonly target: string; readonly isAway: boolean } {
  const meaning = cluster === "" ? undefined : proxy.meaning(cluster)
  const isAway = meaning?.kind === "aws" || meaning?.kind === "undeclared"
  if (meaning?.kind === "node") return { target: meaning.node, isAway }
  const isOwn = direction === "ingress" && proxy.identity.role === "sidecar"
  return { target: resolved || (isOwn ? proxy.identity.resource : ""), isAway }
}
