import { describe, expect, it } from "vitest"
import type { FieldName } from "#mesh/access.ts"
import type { DeclaredMesh } from "#mesh/declared.ts"
import { flagBit } from "#mesh/flags.ts"
import { decodeConfigDump } from "../../agent/decode/config-dump/decode.ts"
import { appMeshDump, type Era } from "../fixtures/config-dump/app-mesh-dump.ts"
import { factOf } from "../fixtures/config-dump/fact.ts"
import { declaredFixture, resolvingFor, told } from "../fixtures/config-dump/resolving.ts"

/**
 * What becomes of lines in the four meshes, in the names of 2019 and of 2022. Each proxy is asked for a line per path
 * through each of its clusters and for what its callers get wrong. A change of the tables is a change of users' series.
 */
const MESHES = ["yelb.yaml", "mesh-1.yaml", "bys-dev.yaml", "appmesh-workshop.json"]
const PATHS = ["/", "/api/getvotes", "/api/api/getvotes", "/aws/s3"]

function resources(mesh: DeclaredMesh): string[] {
  return [...mesh.virtualNodes, ...mesh.virtualGateways].map(({ name }) => name)
}

/** Lines that this proxy could write, each with the words that tell it in the table. */
function linesOf(
  mesh: DeclaredMesh,
  resource: string,
  era: Era,
): { words: string; fact: ReturnType<typeof factOf> }[] {
  const { clusters } = decodeConfigDump(appMeshDump(mesh, resource, era))
  const lines: { words: string; fact: ReturnType<typeof factOf> }[] = []
  const add = (
    words: string,
    fields: Partial<Record<FieldName, string>>,
    more: Parameters<typeof factOf>[1] = {},
  ): void => {
    lines.push({ words, fact: factOf({ method: "GET", ...fields }, more) })
  }
  const hosts = [...mesh.virtualServices.map(({ name }) => name), "undeclared.example"]
  for (const { name } of clusters) {
    if (/_tcp_|amazonaws|mesh-allow-all/.test(name)) {
      add(`TCP by ${name}`, { upstreamCluster: name }, { kind: "tcp" })
      continue
    }
    for (const authority of name.includes("_ingress_") ? hosts.slice(0, 2) : hosts) {
      for (const eitherPath of PATHS) {
        add(`${authority}${eitherPath} by ${name}`, { authority, eitherPath, upstreamCluster: name })
      }
    }
  }
  for (const authority of hosts) {
    add(
      `${authority}/ NR`,
      { authority, eitherPath: "/", downstreamLocal: "10.200.0.1:80" },
      { flags: flagBit("NR"), code: 404 },
    )
  }
  add("health check", {
    eitherPath: "/health",
    userAgent: "ELB-HealthChecker/2.0",
    upstreamHost: "127.0.0.1:3000",
  })
  return lines
}

describe.each(MESHES)("%s", (file) => {
  const { mesh } = declaredFixture(file)

  it.each([2019, 2022] as const)("lines in the names of %i resolve as they did", async (era) => {
    const table: string[] = []
    for (const resource of resources(mesh)) {
      const { resolver, notes, missing } = resolvingFor(mesh, resource, { era })
      table.push(`## ${resource}`, `missing: ${missing.join(" ") || "nothing"}`, ...notes)
      for (const { words, fact } of linesOf(mesh, resource, era))
        table.push(`${words} -> ${told(resolver.resolve(fact))}`)
    }
    const name = `resolution-${mesh.name}-${era}.txt`
    await expect(`${table.join("\n")}\n`).toMatchFileSnapshot(`../fixtures/config-dump/${name}`)
  })

  it("means the same in both", () => {
    for (const resource of resources(mesh)) {
      const [old, young] = ([2019, 2022] as const).map((era) => {
        const { resolver } = resolvingFor(mesh, resource, { era })
        // Without own addresses the old dump cannot tell the side of a line by its address.
        const lines = linesOf(mesh, resource, era).filter(({ words }) => words.includes(" by "))
        return lines.map(({ fact }) => told(resolver.resolve(fact)))
      })
      expect(old).toEqual(young)
    }
  })

  it("names every declared route and gateway route on some proxy", () => {
    const named = new Set<string>()
    for (const resource of resources(mesh)) {
      const { resolver } = resolvingFor(mesh, resource)
      for (const { fact } of linesOf(mesh, resource, 2022)) {
        const { row } = resolver.resolve(fact)
        named.add(row.route).add(row.gatewayRoute).add(row.virtualService)
      }
    }
    const routes = mesh.virtualRouters.flatMap((router) => router.routes)
    const gatewayRoutes = mesh.virtualGateways.flatMap((gateway) => gateway.routes)
    expect([...routes, ...gatewayRoutes].map(({ name }) => name).filter((name) => !named.has(name))).toEqual(
      [],
    )
  })
})
