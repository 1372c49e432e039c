import { once } from "node:events"
import { readFile } from "node:fs/promises"
import { createServer, type Server } from "node:http"
import { loadModel } from "../../../mesh/declare/load.ts"
import { appMeshDump, type Era } from "../../fixtures/config-dump/app-mesh-dump.ts"
import { fixture } from "./rig.ts"

export const NODE = "crystal-lb-vanilla"
const MESH = "appmesh-workshop"

/** The admin interface of an Envoy that is long gone, by the pages that it had. */
export interface RecordedAdmin {
  readonly address: string
  /** What its ingress counted so far, health checks included. */
  requests: number
  stop(): Promise<void>
}

/** The workshop's one node, in the names of its time. */
export async function startRecorded(era: Era): Promise<RecordedAdmin> {
  const file = fixture("appmesh-workshop.json")
  const { model } = loadModel([{ file, text: await readFile(file, "utf8") }])
  const [mesh] = model.meshes
  if (mesh === undefined) throw new Error("the fixture declares no mesh")
  const dump = appMeshDump(mesh, NODE, era)
  const began = Date.now()
  const admin = { requests: 0 }
  const server: Server = createServer((request, response) => {
    const path = request.url?.split("?")[0]
    const body =
      path === "/config_dump" ? dump : path === "/stats" ? stats(era, admin.requests, began) : undefined
    // `/clusters` as JSON and `/certs` are of later years: an old Envoy answers something else.
    response.writeHead(body === undefined ? 404 : 200).end(body ?? "invalid path. admin commands are:\n")
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const at = server.address()
  return Object.assign(admin, {
    address: `127.0.0.1:${typeof at === "object" && at !== null ? at.port : 0}`,
    async stop() {
      const closed = once(server, "close")
      server.close()
      server.closeAllConnections()
      await closed
    },
  })
}

function stats(era: Era, requests: number, began: number): string {
  const manager = era === 2019 ? `http.ingress.${MESH}.${NODE}` : "http.ingress"
  const cluster = `cluster.cds_ingress_${MESH}_${NODE}_http_3000`
  const uptime = 86_400 + Math.floor((Date.now() - began) / 1000)
  return [
    `${cluster}.upstream_rq_2xx: ${requests}`,
    `${cluster}.upstream_rq_total: ${requests}`,
    `${manager}.downstream_rq_2xx: ${requests}`,
    `${manager}.downstream_rq_active: 0`,
    `${manager}.downstream_rq_total: ${requests}`,
    "server.hot_restart_epoch: 0",
    "server.live: 1",
    `server.uptime: ${uptime}`,
    "",
  ].join("\n")
}

/** A line in App Mesh's default text. */
export function line(path: string, userAgent: string): string {
  const request = `"GET ${path} HTTP/1.1" 200 - 0 42 3 2`
  return `[${new Date().toISOString()}] ${request} "-" "${userAgent}" "2a7f" "crystal.appmeshworkshop.hosted.local:3000" "127.0.0.1:3000"\n`
}
