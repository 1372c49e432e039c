import { mkdir, writeFile } from "node:fs/promises"
import { request } from "node:http"
import { join } from "node:path"
import { setTimeout as sleep } from "node:timers/promises"
import { envoyBinary } from "../../../demo/envoy-binary.ts"
import { EnvoyProcess } from "../../../demo/envoy-process.ts"
import type { AdminAddress } from "../../../mesh/proxy.ts"
import { freePort } from "../rig/free-port.ts"

export interface EnvoyOptions {
  readonly folder: string
  readonly admin: AdminAddress
  readonly nodeId: string
  /** Labels that every series has, as the images of App Mesh and Service Connect set them. */
  readonly tags: Readonly<Record<string, string>>
  /** The application that it stands before, and the one that it calls. */
  readonly ownPort: number
  readonly appPort: number
  /** Of the bootstrap, in place of what stands here. */
  readonly bootstrap?: object
}

/** A real Envoy with the names that App Mesh's control plane gave: one way in, one way out. */
export interface RunningEnvoy {
  readonly process: EnvoyProcess
  readonly ingressPort: number
  readonly egressPort: number
  /** Its output. */
  readonly log: string
}

export async function startEnvoy(options: EnvoyOptions): Promise<RunningEnvoy> {
  const { folder, admin } = options
  const ports = { ingressPort: await freePort(), egressPort: await freePort() }
  await mkdir(folder, { recursive: true })
  const bootstrap = join(folder, "bootstrap.json")
  const log = join(folder, "stdout.log")
  await writeFile(bootstrap, JSON.stringify(configuration(options, ports)))
  const process = new EnvoyProcess({
    envoy: await envoyBinary(),
    name: options.nodeId,
    bootstrap,
    admin: "",
    log,
    flushMs: 100,
  })
  await process.start()
  for (let tries = 0; tries < 400 && !(await isLive(admin)); tries++) await sleep(25)
  return { process, ...ports, log }
}

function isLive(admin: AdminAddress): Promise<boolean> {
  const at = admin.kind === "unix" ? { socketPath: admin.path } : { host: admin.host, port: admin.port }
  return new Promise((resolve) => {
    const asked = request({ ...at, path: "/ready" }, (answer) => {
      answer.resume()
      resolve(answer.statusCode === 200)
    })
    asked.on("error", () => resolve(false))
    asked.end()
  })
}

type Ports = Pick<RunningEnvoy, "ingressPort" | "egressPort">

function configuration(options: EnvoyOptions, ports: Ports): object {
  const { admin, nodeId, tags, ownPort, appPort, bootstrap } = options
  return {
    node: { id: nodeId, cluster: nodeId },
    admin: {
      address: admin.kind === "unix" ? { pipe: { path: admin.path } } : socket(admin.host, admin.port),
    },
    stats_flush_interval: "0.2s",
    stats_config: {
      stats_tags: Object.entries(tags).map(([tag_name, fixed_value]) => ({ tag_name, fixed_value })),
    },
    static_resources: {
      listeners: [
        listener("ingress", "INBOUND", ports.ingressPort, "cds_ingress_yelb_ui_http_80"),
        listener("egress", "OUTBOUND", ports.egressPort, "cds_egress_yelb_app_http_80"),
      ],
      clusters: [
        cluster("cds_ingress_yelb_ui_http_80", ownPort),
        cluster("cds_egress_yelb_app_http_80", appPort),
      ],
    },
    ...bootstrap,
  }
}

const cluster = (name: string, port: number): object => ({
  name,
  type: "STATIC",
  connect_timeout: "1s",
  load_assignment: {
    cluster_name: name,
    endpoints: [{ lb_endpoints: [{ endpoint: { address: socket("127.0.0.1", port) } }] }],
  },
})

const socket = (address: string, port_value: number): object => ({ socket_address: { address, port_value } })

function listener(side: string, traffic_direction: string, port: number, to: string): object {
  const manager = "envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager"
  return {
    name: `lds_${side}_127.0.0.1_${port}`,
    address: socket("127.0.0.1", port),
    traffic_direction,
    filter_chains: [
      {
        filters: [
          {
            name: "envoy.filters.network.http_connection_manager",
            typed_config: {
              "@type": `type.googleapis.com/${manager}`,
              stat_prefix: side,
              access_log: [stdout()],
              http_filters: [
                {
                  name: "envoy.filters.http.router",
                  typed_config: {
                    "@type": "type.googleapis.com/envoy.extensions.filters.http.router.v3.Router",
                  },
                },
              ],
              route_config: {
                name: `rds_${side}_http_80`,
                virtual_hosts: [
                  {
                    name: side === "egress" ? "app.yelb.local" : "local",
                    domains: ["*"],
                    routes: [{ match: { prefix: "/" }, route: { cluster: to } }],
                  },
                ],
              },
            },
          },
        ],
      },
    ],
  }
}

function stdout(): object {
  const type = "type.googleapis.com/envoy.extensions.access_loggers.file.v3.FileAccessLog"
  return { name: "envoy.access_loggers.file", typed_config: { "@type": type, path: "/dev/stdout" } }
}
