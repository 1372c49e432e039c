import { z } from "@hono/zod-openapi"
import { ANSWERED_BY, OUTCOMES } from "#mesh/outcome.ts"
import { PROBLEM_REASONS } from "#mesh/page-problem.ts"
import type { CollectorHealthView } from "../view/collector-health.ts"
import type { DeclaredModelView } from "../view/declared-model.ts"
import type { ErrorRatiosAnswer } from "../view/error-ratios.ts"
import type { GraphView } from "../view/graph.ts"
import { OBJECTIVE_ORIGINS } from "../view/inventory.ts"
import { PROXY_STATES, type ProxiesView } from "../view/proxies.ts"
import type { ResourceNode, ResourcesView } from "../view/resources.ts"
import type { RouteDetailView } from "../view/route-detail.ts"
import { SYNTHETIC } from "../view/route-row.ts"
import type { RoutesView } from "../view/routes.ts"
import type { SummaryView } from "../view/summary.ts"
import type { UnmappedView } from "../view/unmapped.ts"
import {
  head,
  health,
  hostsSeen,
  kind,
  numbers,
  resourceLink,
  routeRow,
  tally,
  tcpNumbers,
  time,
} from "./answer-schemas.ts"

const count = z.number().min(0)
const ratio = z.number().min(0).max(1)
const points = z.array(count.nullable())

export const summarySchema = z
  .strictObject({
    ...head,
    verdict: z.strictObject({
      health,
      sentence: z.string(),
      routeId: z.string().nullable(),
      since: time.nullable(),
    }),
    origins: z.array(
      z.strictObject({
        id: z.string(),
        mesh: z.string(),
        virtualNode: z.string(),
        sentence: z.string(),
        evidence: z.array(z.string()),
        since: time.nullable(),
        endedAt: time.nullable(),
        routes: z.array(
          z.strictObject({
            id: z.string(),
            name: z.string(),
            health,
            how: z.enum(["there", "same", "through"]),
            via: z.string().nullable(),
            errors: count,
            ofErrors: count,
          }),
        ),
      }),
    ),
    routes: tally,
    ended: z.strictObject({ failing: count, degraded: count }),
    syntheticEnded: count,
    routeKinds: z.strictObject({ gateway_route: count, route: count, service: count }),
    synthetic: tally,
    virtualNodes: tally,
    meshes: z.array(
      z.strictObject({
        mesh: z.string(),
        flavor: z.string(),
        health,
        routes: tally,
        proxiesKnown: count,
        proxiesAnswered: count,
      }),
    ),
    worst: z.array(routeRow),
    silentAgents: z.array(
      z.strictObject({
        id: z.string(),
        host: z.string(),
        lastSeenAt: time,
        proxies: z.array(z.string()),
      }),
    ),
    unanswered: z.array(
      z.strictObject({
        proxy: z.string(),
        role: z.enum(["sidecar", "gateway"]).nullable(),
        resource: z.string(),
        since: time.nullable(),
        why: z.string().nullable(),
      }),
    ),
    model: z.strictObject({
      waiting: z.boolean(),
      problems: z.array(z.string()),
      notes: z.array(z.string()),
      notesTotal: count,
    }),
    firstRun: z.boolean(),
  })
  .openapi("Summary") satisfies z.ZodType<SummaryView>

const resourceNode: z.ZodType<ResourceNode> = z
  .strictObject({
    id: z.string(),
    kind,
    mesh: z.string(),
    flavor: z.string(),
    name: z.string(),
    declared: z.boolean(),
    nativeKind: z.string().nullable(),
    nativeName: z.string().nullable(),
    namespace: z.string().nullable(),
    health,
    why: z.string().nullable(),
    numbers: numbers.nullable(),
    tcp: tcpNumbers.nullable(),
    hosts: hostsSeen.nullable(),
    routeIds: z.array(z.string()),
    children: z
      .lazy(() => z.array(resourceNode))
      .openapi({
        type: "array",
        items: { $ref: "#/components/schemas/Resource" },
      }),
  })
  .openapi("Resource")

export const resourcesSchema = z
  .strictObject({ ...head, meshes: z.array(resourceNode), total: count })
  .openapi("Resources") satisfies z.ZodType<ResourcesView>

export const routesSchema = z
  .strictObject({
    ...head,
    routes: tally,
    synthetic: tally,
    total: count,
    rows: z.array(routeRow),
    next: count.nullable(),
  })
  .openapi("Routes") satisfies z.ZodType<RoutesView>

const detailNumbers = numbers.extend({ attemptsPerRequest: count.nullable() }).openapi("DetailNumbers")

export const routeDetailSchema = z
  .strictObject({
    ...head,
    row: routeRow,
    parents: z.array(resourceLink),
    nativeKind: z.string().nullable(),
    nativeName: z.string().nullable(),
    namespace: z.string().nullable(),
    caller: z.string().nullable(),
    target: z.string().nullable(),
    now: detailNumbers,
    before: detailNumbers,
    budget: z
      .strictObject({
        objective: ratio,
        origin: z
          .enum(OBJECTIVE_ORIGINS)
          .openapi({ description: "`default`: nobody declared an objective for this route." }),
        burnRate: count.nullable(),
      })
      .nullable(),
    callers: z.array(
      z.strictObject({ kind: z.enum(["virtual_node", "virtual_gateway"]), name: z.string(), numbers }),
    ),
    targets: z.array(
      z.strictObject({
        virtualNode: z.string(),
        declaredWeight: count.nullable(),
        declaredShare: ratio.nullable(),
        receivedShare: ratio.nullable(),
        numbers: detailNumbers,
        hosts: hostsSeen.nullable(),
      }),
    ),
    flags: z.array(
      z.strictObject({
        flags: z.string(),
        meaning: z.string(),
        answeredBy: z.enum(ANSWERED_BY),
        outcome: z.enum(OUTCOMES),
        virtualNode: z.string(),
        count,
        share: ratio,
      }),
    ),
    codes: z.array(z.strictObject({ codeClass: z.string(), count })),
    charts: z.strictObject({
      startAt: time,
      stepSeconds: count,
      requests: points,
      errors: points,
      aborted: points,
      errorRatio: points,
      p50Ms: points,
      p95Ms: points,
      p99Ms: points,
    }),
    findings: z.array(
      z.strictObject({
        id: z.string(),
        sentence: z.string(),
        evidence: z.array(z.string()),
        refutation: z.array(z.string()),
        unseen: z.array(z.string()),
      }),
    ),
  })
  .openapi("RouteDetail") satisfies z.ZodType<RouteDetailView>

export const graphSchema = z
  .strictObject({
    ...head,
    nodes: z.array(
      z.strictObject({
        id: z.string(),
        kind,
        mesh: z.string(),
        name: z.string(),
        namespace: z.string().nullable(),
        layer: count,
        health,
        why: z.string().nullable(),
        synthetic: z.enum(SYNTHETIC).nullable(),
        declared: z.boolean(),
        numbers: numbers.nullable(),
        tcp: tcpNumbers.nullable(),
        hosts: hostsSeen.nullable(),
        routeId: z.string().nullable(),
        calledBy: z.array(z.string()),
      }),
    ),
    edges: z.array(
      z.strictObject({
        id: z.string(),
        source: z.string(),
        target: z.string(),
        kind: z.enum(["declared", "target", "forward", "call"]),
        protocol: z.enum(["http", "tcp"]),
        health,
        requestsPerSecond: count.nullable(),
        errorRatio: ratio.nullable(),
        p95Ms: count.nullable(),
        weight: count.nullable(),
      }),
    ),
    topology: z.string(),
  })
  .openapi("Graph") satisfies z.ZodType<GraphView>

export const proxiesSchema = z
  .strictObject({
    ...head,
    rows: z.array(
      z.strictObject({
        proxy: z.string(),
        agent: z.string(),
        host: z.string(),
        mesh: z.string(),
        flavor: z.string(),
        role: z
          .enum(["sidecar", "gateway"])
          .nullable()
          .openapi({ description: "null while its configuration was never read: nobody knows." }),
        resource: z.string(),
        state: z.enum(PROXY_STATES),
        why: z.string().nullable().openapi({ description: "Why it is not live, in words." }),
        problems: z.array(z.strictObject({ page: z.string(), reason: z.enum(PROBLEM_REASONS), since: time })),
        since: time.nullable(),
        version: z.string().nullable(),
        controlPlane: z.boolean().nullable(),
        configAgeSeconds: z.number().nullable(),
        drifts: z.boolean(),
        provenance: z.string().nullable(),
        missing: z.array(z.string()),
        spans: z.string().nullable().openapi({
          description:
            "Which way its spans go, such as `to this agent by xray-udp`; null when its agent does not tell.",
        }),
        uptimeSeconds: z.number().nullable(),
        memoryBytes: z.number().nullable(),
        unaccountedRatio: ratio.nullable(),
        xdsRejected: count,
        logWriteFailures: count,
      }),
    ),
    total: count,
    next: count.nullable(),
    agents: z.array(
      z.strictObject({
        id: z.string(),
        host: z.string(),
        firstSeenAt: time,
        lastSeenAt: time,
        reports: z.boolean(),
        skewSeconds: z.number(),
        proxies: count,
      }),
    ),
  })
  .openapi("Proxies") satisfies z.ZodType<ProxiesView>

export const unmappedSchema = z
  .strictObject({
    ...head,
    doubts: z.array(
      z.strictObject({
        reason: z.string(),
        meaning: z.string(),
        mesh: z.string(),
        proxy: z.string(),
        resource: z.string(),
        count,
        perSecond: count,
      }),
    ),
    rows: z.array(routeRow),
  })
  .openapi("Unmapped") satisfies z.ZodType<UnmappedView>

export const errorRatiosSchema = z
  .strictObject({
    startAt: time,
    stepSeconds: count,
    routes: z.array(
      z.strictObject({
        id: z.string(),
        mesh: z.string(),
        virtualService: z.string(),
        route: z.string(),
        points: z.array(ratio.nullable()),
      }),
    ),
  })
  .openapi("ErrorRatios") satisfies z.ZodType<ErrorRatiosAnswer>

export const declaredModelSchema = z
  .strictObject({
    configured: z.boolean(),
    known: z.boolean(),
    changedAt: time.nullable(),
    meshes: z.array(
      z.strictObject({
        mesh: z.string(),
        flavor: z.string(),
        virtualNodes: count,
        virtualServices: count,
        virtualRouters: count,
        routes: count,
        virtualGateways: count,
        gatewayRoutes: count,
      }),
    ),
    sources: z.array(
      z.strictObject({
        name: z.string(),
        state: z.enum(["ok", "waiting", "problem"]),
        objects: count.nullable(),
        problem: z.string().nullable(),
      }),
    ),
    notes: z.array(z.string()),
    notesTotal: count,
  })
  .openapi("DeclaredModel") satisfies z.ZodType<DeclaredModelView>

export const collectorHealthSchema = z
  .strictObject({
    ...head,
    status: z.enum(["ok", "degraded"]),
    upSeconds: count,
    agentsKnown: count,
    series: count,
    seriesLimit: count,
    seriesRefused: count,
    points: z.strictObject({
      accepted: count,
      repeated: count,
      old: count,
      resets: count,
      clamped: count,
      rejected: count,
    }),
    store: z.strictObject({
      problem: z.string().nullable(),
      lastCommitAt: time.nullable(),
      bytes: count,
    }),
  })
  .openapi("CollectorHealth") satisfies z.ZodType<CollectorHealthView>
