import { normalize } from "node:path"
import * as z from "zod"
import { adminAddressSchema, adminAddressText } from "./address.ts"
import { loadConfiguration, whereStand } from "./configuration.ts"
import type { ProxyHint, ProxyTarget, Served } from "./proxy.ts"
import type { ConfigurationSource } from "./written-document.ts"

/** How many targets one node may have. More is a mistake, and would take memory without bound. */
const MOST_TARGETS = 10_000

const serves = z
  .strictObject({
    kind: z
      .enum(["admin", "prometheus", "service-connect", "pushed", "nothing"])
      .describe(
        "`admin`: Envoy's admin interface. `prometheus`: one page of stats for Prometheus, such as Consul's, Contour's, Envoy Gateway's or Istio's. `service-connect`: the socket of ECS Service Connect. `pushed`: nothing, but its DogStatsD sink sends to `receive.dogstatsd` from the IP address that stands in `admin`, with any port. `nothing`: its lines are all that there is.",
      ),
    path: z
      .enum(["/stats/prometheus", "/metrics"])
      .optional()
      .describe("Of the page for Prometheus. Default: `/stats/prometheus`."),
  })
  .superRefine(({ kind, path }, context) => {
    if (path === undefined || kind === "prometheus") return
    context.addIssue({ code: "custom", path: ["path"], message: `expects kind: prometheus, not ${kind}` })
  }, whereStand())
  .transform(
    ({ kind, path = "/stats/prometheus" }): Served => (kind === "prometheus" ? { kind, path } : { kind }),
  )

const named = z.string().min(1).max(253).optional()
const hint = z
  .strictObject({
    mesh: named.describe("Its mesh."),
    role: z.enum(["sidecar", "gateway"]).optional().describe("What it is. Default: sidecar."),
    resource: named.describe("Its virtual node or virtual gateway."),
  })
  .transform(
    (told): ProxyHint => Object.fromEntries(Object.entries(told).filter(([, value]) => value !== undefined)),
  )

const target = z
  .strictObject({
    name: z
      .string()
      .min(1)
      .max(253)
      .describe("Unique name of the proxy; the label `proxy` of its metrics. Keep it over restarts."),
    admin: adminAddressSchema().describe(
      "Where the proxy's admin interface listens, or what `serves` says: `host:port`, `[::1]:9901` or `unix:/path`.",
    ),
    serves: serves
      .optional()
      .describe("What answers at `admin`, where it is not Envoy's whole admin interface."),
    hint: hint.optional().describe("Who the proxy is, where it has no configuration that says so."),
    logs: z
      .array(z.string().min(1))
      .default([])
      .describe("Files that hold the proxy's access log. Empty: its requests are counted from its stats."),
    sent: z
      .boolean()
      .optional()
      .describe(
        "Whether the proxy's output is sent to this agent (`receive.forward`). Its labels must name the container: `container_id`, or `task_arn` and `container_name`.",
      ),
    labels: z
      .record(z.string(), z.string())
      .optional()
      .describe("What else is known of it, such as a pod. Shown with the proxy, on no metric."),
  })
  .transform(
    ({ labels, sent, serves: served, hint: known, ...rest }): ProxyTarget => ({
      ...rest,
      ...(served === undefined ? {} : { serves: served }),
      ...(known === undefined ? {} : { hint: known }),
      ...(sent === undefined ? {} : { sent }),
      ...(labels === undefined ? {} : { labels }),
    }),
  )

/** Inline targets, or those of a targets file. Names, admin addresses and log files are unique. */
export const targetsSchema = z
  .array(target)
  .max(MOST_TARGETS)
  .superRefine((targets, context) => {
    // What is wrong in itself is not compared; all others are.
    const wrong = context.issues.filter(({ code }) => code !== "unrecognized_keys")
    const broken = new Set(wrong.map(({ path }) => path?.[0]))
    const owners = new Map<string, string>()
    const claim = (key: string, owner: string, path: PropertyKey[], message: string): void => {
      const first = owners.get(key)
      if (first === undefined) owners.set(key, owner)
      else context.addIssue({ code: "custom", path, message: `${message} ("${first}")` })
    }
    for (const [index, { name, admin, logs, serves: served }] of targets.entries()) {
      if (broken.has(index)) continue
      claim(`name ${name}`, name, [index, "name"], "is a name that another target has")
      claim(
        `admin ${adminAddressText(admin)}`,
        name,
        [index, "admin"],
        "is the address of another target; its requests would count twice",
      )
      if (served?.kind === "pushed" && admin.kind === "tcp")
        claim(
          `sender ${admin.host}`,
          name,
          [index, "admin"],
          "is the host of another target that sends; what one sends cannot be told from what the other does",
        )
      for (const [at, log] of logs.entries())
        claim(
          `log ${normalize(log)}`,
          name,
          [index, "logs", at],
          "is a log of another target; its lines would count twice",
        )
    }
  }, whereStand())

/** A file of targets. It may change while the agent runs. */
export const targetsFileSchema = z.strictObject({
  targets: targetsSchema.describe("The proxies of this node."),
})

/**
 * Reads the text of a targets file.
 * @throws MeshscopeError CONFIG_* with every problem and its place
 */
export function parseTargets(source: ConfigurationSource): readonly ProxyTarget[] {
  return loadConfiguration(targetsFileSchema, source).targets
}
