import { readFile } from "node:fs/promises"
import type { FleetProxy } from "../../demo/fleet.ts"

/** One JSON access-log line, as this test reads it; whose it is comes from the file, its direction from the address. */
export interface AccessLine {
  readonly resource: string
  readonly inbound: boolean
  readonly method: string | null
  readonly user_agent: string | null
  readonly request_id: string | null
  readonly upstream_cluster: string | null
  readonly response_code: number
  readonly response_flags: string
  readonly grpc_status: number | null
  readonly bytes_received: number
  readonly bytes_sent: number
  readonly downstream_local_address: string
}

export async function accessLines({ pod, log }: FleetProxy): Promise<readonly AccessLine[]> {
  const text = await readFile(log, "utf8")
  return text
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => {
      const fields = JSON.parse(line) as Omit<AccessLine, "resource" | "inbound">
      const inbound = fields.downstream_local_address.startsWith(`${pod.address}:`)
      return Object.assign(fields, { resource: pod.resource, inbound })
    })
}
