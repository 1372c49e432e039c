import { readFileSync } from "node:fs"
import { join } from "node:path"
import { describe, expect, test } from "vitest"
import { parse } from "yaml"
import { MODEL_RESOURCES } from "#mesh/declare/model-resources.ts"
import { VERSION } from "#mesh/version.ts"
import { parseAgentConfig } from "../../agent/config/parse.ts"
import { parseCollectorConfig } from "../../collector/config.ts"
import { chartDigest, STAMP } from "../../scripts/manifests.ts"
import {
  type Container,
  configText,
  objectsIn,
  RENDERED,
  ROOT,
  workload,
} from "../fixtures/deploy/objects.ts"

const text = (file: string): string => readFileSync(join(ROOT, file), "utf8")

/** The variables that a container has, and no others. */
const environment = (container: Container | undefined): Record<string, string> =>
  Object.fromEntries((container?.env ?? []).map(({ name, value }) => [name, value ?? `value-of-${name}`]))

/** Absolute paths in a configuration. Addresses' paths, such as those of health checks, are none of files. */
function filesIn(value: unknown, key = ""): string[] {
  if (typeof value === "string")
    return value.startsWith("/") && /state|file|ca|cert|key|folder/i.test(key) ? [value] : []
  if (typeof value !== "object" || value === null) return []
  return Object.entries(value).flatMap(([name, each]) => filesIn(each, name))
}

test("what is rendered here is of the chart as it is (else: npm run manifests)", async () => {
  expect(await chartDigest(ROOT)).toBe(text(STAMP))
})

describe.each(RENDERED)("%s", (file) => {
  const objects = objectsIn(file)
  const agent = workload(objects, "DaemonSet")
  const collector = workload(objects, "Deployment")
  const pods = [
    ...(agent === undefined
      ? []
      : [{ ...agent, config: configText(objects, "agent.yaml"), writes: "state" }]),
    ...(collector === undefined
      ? []
      : [{ ...collector, config: configText(objects, "collector.yaml"), writes: "store" }]),
  ]

  test("an agent takes its configuration, with the variables that its pod has", () => {
    const config = parseAgentConfig({
      file: "/etc/meshscope/agent.yaml",
      text: configText(objects, "agent.yaml"),
      env: environment(agent?.container),
      hostName: "pod-4711",
    })
    expect(config.agent.id).toBe("value-of-NODE_NAME")
    const folders = agent?.container.volumeMounts.map(({ mountPath }) => mountPath)
    expect(folders).toContain(config.discover.kubernetes?.logs ?? "/var/log/pods")
  })

  test.each(collector === undefined ? [] : [collector])(
    "a collector takes its configuration",
    ({ container }) => {
      const config = configText(objects, "collector.yaml")
      const source = { file: "/etc/meshscope/collector.yaml", text: config, env: environment(container) }
      expect(parseCollectorConfig(source).listen.port).toBe(4318)
    },
  )

  describe.each(pods)("of $writes", ({ spec, container, config, writes }) => {
    test("every file that the configuration names is in a folder that is mounted", () => {
      const mounts = container.volumeMounts.map(({ mountPath }) => `${mountPath}/`)
      const astray = filesIn(parse(config)).filter(
        (path) => !mounts.some((mount) => `${path}/`.startsWith(mount)),
      )
      expect(astray).toEqual([])
    })

    test("every mount has its volume, and one alone can be written", () => {
      const mounted = container.volumeMounts
      expect(mounted.map(({ name }) => name).toSorted()).toEqual(
        spec.volumes.map(({ name }) => name).toSorted(),
      )
      expect(mounted.filter(({ readOnly }) => !readOnly).map(({ name }) => name)).toEqual([writes])
    })

    test("it may no more than is said: no capability is kept, the root is read-only, limits are set", () => {
      expect(container.securityContext).toMatchObject({
        allowPrivilegeEscalation: false,
        readOnlyRootFilesystem: true,
        capabilities: { drop: ["ALL"] },
      })
      expect(spec.securityContext).toMatchObject({ seccompProfile: { type: "RuntimeDefault" } })
      expect(container.resources.limits.memory).toMatch(/^\d+[MG]i$/)
    })

    test("its image has a version", () => {
      expect(container.image).toMatch(/(?::\d+\.\d+\.\d+|@sha256:[0-9a-f]{64})$/)
    })

    test("its ports have names that Kubernetes takes, each its own", () => {
      const names = container.ports.map(({ name }) => name)
      expect(names.filter((name) => !/^[a-z0-9](?:[a-z0-9-]{0,13}[a-z0-9])?$/.test(name))).toEqual([])
      expect(new Set(names).size).toBe(names.length)
    })
  })

  test("a collector runs as no root", () => {
    expect(collector?.spec.securityContext["runAsNonRoot"] ?? true).toBe(true)
  })

  test("roles only read, but for asking whose a token is; nothing is meant by a star", () => {
    const rules = objects.flatMap((object) => object.rules)
    const verbs = rules.flatMap((rule) => rule.verbs.map((verb) => `${verb} ${rule.resources.join()}`))
    const reads = /^(?:get|list|watch) [a-z/,]+$/
    expect(verbs.filter((verb) => !reads.test(verb) && verb !== "create tokenreviews")).toEqual([])
    expect(rules.flatMap(({ apiGroups }) => apiGroups)).not.toContain("*")
  })

  test("a Service leads to ports that are there", () => {
    const ports = new Set(pods.flatMap(({ container }) => container.ports.map(({ name }) => name)))
    const services = objects.filter(({ kind }) => kind === "Service")
    const targets = services.flatMap(({ spec }) => (spec.ports ?? []).map(({ targetPort }) => targetPort))
    expect(targets.filter((target) => !ports.has(target))).toEqual([])
  })
})

const rendered = (name: string) => objectsIn(`test/fixtures/deploy/rendered/${name}.yaml`)

const kinds = (name: string): string[] => [...new Set(rendered(name).map(({ kind }) => kind))].toSorted()

describe("what each file of values asks for", () => {
  test("defaults: the pod's own identity, no ports but the page's", () => {
    expect(workload(rendered("defaults"), "DaemonSet")?.container.ports.map(({ name }) => name)).toEqual([
      "metrics",
    ])
    expect(configText(rendered("defaults"), "agent.yaml")).toContain("/var/run/secrets/meshscope/token")
    expect(rendered("defaults").flatMap(({ rules }) => rules)).toContainEqual({
      apiGroups: ["authentication.k8s.io"],
      resources: ["tokenreviews"],
      verbs: ["create"],
    })
  })

  test("everything: https, monitors, a claim, ports on the node, the right to read any file", () => {
    const agent = workload(rendered("everything"), "DaemonSet")?.container
    expect(kinds("everything")).toEqual(
      expect.arrayContaining(["PodMonitor", "ServiceMonitor", "PersistentVolumeClaim", "NetworkPolicy"]),
    )
    expect(agent?.securityContext).toMatchObject({ capabilities: { add: ["DAC_READ_SEARCH"] } })
    expect(agent?.env).toContainEqual({ name: "AWS_REGION", value: "eu-central-1" })
    expect(agent?.ports.filter(({ hostPort }) => hostPort === 2000).map(({ protocol }) => protocol)).toEqual([
      "TCP",
      "UDP",
    ])
    expect(
      agent?.ports.map(({ containerPort, protocol }) => `${protocol} ${containerPort}`).toSorted(),
    ).toEqual([
      "TCP 18090",
      "TCP 2000",
      "TCP 24224",
      "TCP 4317",
      "TCP 4319",
      "TCP 9411",
      "TCP 9464",
      "UDP 2000",
      "UDP 8125",
    ])
    expect(
      rendered("everything").flatMap(({ rules }) => rules.flatMap(({ resources }) => resources)),
    ).not.toContain("tokenreviews")
  })

  test("agents alone: no collector, no right to anything, ports only where others may send", () => {
    expect(kinds("agents-alone")).toEqual(["ConfigMap", "DaemonSet", "Service", "ServiceAccount"])
    const agent = workload(rendered("agents-alone"), "DaemonSet")?.container
    expect(agent?.ports.map(({ containerPort }) => containerPort)).toEqual([9464, 9411])
  })

  test("open: nobody shows a token, and no metrics means no probe to ask", () => {
    expect(configText(rendered("open"), "agent.yaml")).not.toContain("token")
    expect(workload(rendered("open"), "DaemonSet")?.container.ports).toEqual([])
    expect(kinds("open")).not.toContain("NetworkPolicy")
  })
})

test("the collector's role lists what a declared model is made of, and no more", () => {
  const rules = objectsIn(RENDERED[0] ?? "").flatMap((object) => object.rules)
  const listed = rules.flatMap(({ apiGroups, resources, verbs }) =>
    verbs.includes("list") ? resources.map((resource) => `${resource}.${apiGroups.join()}`) : [],
  )
  // Pods are the agent's
  const needed = ["pods.", ...MODEL_RESOURCES.map(({ plural, group }) => `${plural}.${group}`)]
  expect(listed.toSorted()).toEqual(needed.toSorted())
})

describe("values and their schema", () => {
  interface Schema {
    readonly properties?: Readonly<Record<string, Schema>>
    readonly additionalProperties?: unknown
  }
  const schema: Schema = JSON.parse(text("deploy/k8s/chart/values.schema.json"))
  const values: unknown = parse(text("deploy/k8s/chart/values.yaml"))

  /** Paths that one has and the other lacks. */
  function differences(given: unknown, described: Schema | undefined, path: string): string[] {
    if (described === undefined) return [`${path} is not in the schema`]
    // Free: whatever Kubernetes or our own schemas take
    if (described.properties === undefined) return []
    if (typeof given !== "object" || given === null) return [`${path} is no section`]
    const entries: Readonly<Record<string, unknown>> = { ...given }
    const missing = Object.keys(described.properties).filter((key) => !(key in entries))
    return [
      ...(described.additionalProperties === false ? [] : [`${path} takes unknown keys`]),
      ...missing.map((key) => `${path}.${key} is not in values.yaml`),
      ...Object.entries(entries).flatMap(([key, each]) =>
        differences(each, described.properties?.[key], `${path}.${key}`),
      ),
    ]
  }

  test("agree, key by key", () => {
    // `global` is Helm's
    expect(differences(values, schema, "")).toEqual([".global is not in values.yaml"])
  })
})

test("one version everywhere", () => {
  const chart: { version: string; appVersion: string } = parse(text("deploy/k8s/chart/Chart.yaml"))
  expect([chart.version, chart.appVersion]).toEqual([VERSION, VERSION])
  expect(text("deploy/image/Dockerfile")).toContain(`image.version="${VERSION}"`)
  const kustomization: { images: { newTag: string }[] } = parse(
    text("deploy/k8s/manifests/kustomization.yaml"),
  )
  expect(kustomization.images[0]?.newTag).toBe(VERSION)
})
