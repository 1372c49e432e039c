import { createSocket, type Socket as Datagrams } from "node:dgram"
import { once } from "node:events"
import { connect, createServer, type Server } from "node:net"
import type { Kube } from "./kube.ts"
import { addAddress, NODE_ADDRESS } from "./network.ts"

/**
 * As much of CoreDNS and kube-proxy as the chart needs, which are no part of Kubernetes' own programs: names of Services
 * become their addresses, and what comes to a Service's address is passed on to the pod behind it. So the chart's
 * configurations stay as they are.
 */
export interface Services {
  /** Passes on what comes to a Service, to whichever pod is ready when a connection comes. */
  lead(namespace: string, name: string): Promise<void>
  stop(): Promise<void>
}

export async function startServices(kube: Kube): Promise<Services> {
  const dns = createSocket("udp4")
  dns.on("message", (query, { port, address }) => {
    answerTo(kube, query).then(
      (answer) => dns.send(answer, port, address),
      () => {},
    )
  })
  dns.bind(53, NODE_ADDRESS)
  await once(dns, "listening")
  const doors: Server[] = []
  return {
    async lead(namespace, name) {
      const { clusterIP, ports } = await serviceOf(kube, namespace, name)
      addAddress(clusterIP)
      for (const { port } of ports) {
        const door = passOn(() => endpointOf(kube, namespace, name)).listen(port, clusterIP)
        await once(door, "listening")
        doors.push(door)
      }
    },
    stop: () => ended(dns, doors),
  }
}

async function ended(dns: Datagrams, doors: readonly Server[]): Promise<void> {
  for (const door of doors) door.close()
  dns.close()
  await once(dns, "close")
}

interface ServiceSpec {
  readonly clusterIP: string
  readonly ports: readonly { readonly port: number }[]
}

async function serviceOf(kube: Kube, namespace: string, name: string): Promise<ServiceSpec> {
  const service = await kube.get(`/api/v1/namespaces/${namespace}/services/${name}`)
  return (service as { spec: ServiceSpec }).spec
}

interface Slice {
  readonly ports: readonly { readonly port: number }[]
  readonly endpoints?: readonly {
    readonly addresses: readonly string[]
    readonly conditions: { ready?: boolean }
  }[]
}

async function endpointOf(
  kube: Kube,
  namespace: string,
  name: string,
): Promise<{ host: string; port: number }> {
  const path = `/apis/discovery.k8s.io/v1/namespaces/${namespace}/endpointslices`
  const found = await kube.get(`${path}?labelSelector=kubernetes.io%2Fservice-name%3D${name}`)
  for (const { ports, endpoints = [] } of (found as { items: readonly Slice[] }).items) {
    const host = endpoints.find(({ conditions }) => conditions.ready === true)?.addresses[0]
    const port = ports[0]?.port
    if (host !== undefined && port !== undefined) return { host, port }
  }
  throw new Error(`no pod of ${name} is ready`)
}

function passOn(target: () => Promise<{ host: string; port: number }>): Server {
  return createServer({ pauseOnConnect: true }, (client) => {
    client.on("error", () => client.destroy())
    target().then(
      (place) => {
        const pod = connect(place)
        pod.on("error", () => client.destroy())
        pod.on("close", () => client.destroy())
        client.on("close", () => pod.destroy())
        client.pipe(pod).pipe(client)
      },
      () => client.destroy(),
    )
  })
}

const HEADER = 12
const TYPE_A = 1
/** Answer, with recursion as asked. */
const FOUND = 0x8180
const UNKNOWN = 0x8183

/** One question about `<service>.<namespace>.svc.cluster.local`; any other name is unknown. */
async function answerTo(kube: Kube, query: Buffer): Promise<Buffer> {
  const labels: string[] = []
  let at = HEADER
  for (let length = query[at] ?? 0; length > 0; length = query[at] ?? 0) {
    labels.push(query.toString("latin1", at + 1, at + 1 + length))
    at += 1 + length
  }
  const type = query.readUInt16BE(at + 1)
  const question = query.subarray(0, at + 5)
  const [name = "", namespace = "", ...rest] = labels
  if (rest.join(".") !== "svc.cluster.local") return reply(question, UNKNOWN)
  try {
    const { clusterIP } = await serviceOf(kube, namespace, name)
    return reply(question, FOUND, type === TYPE_A ? clusterIP : undefined)
  } catch {
    return reply(question, UNKNOWN)
  }
}

function reply(question: Buffer, flags: number, address?: string): Buffer {
  const answer = Buffer.from(question)
  answer.writeUInt16BE(flags, 2)
  answer.writeUInt16BE(1, 4)
  answer.writeUInt16BE(address === undefined ? 0 : 1, 6)
  answer.writeUInt32BE(0, 8)
  if (address === undefined) return answer
  // The question's name, type A, class IN, good for 5 s, 4 bytes.
  const record = [0xc0, HEADER, 0, TYPE_A, 0, 1, 0, 0, 0, 5, 0, 4, ...address.split(".").map(Number)]
  return Buffer.concat([answer, Buffer.from(record)])
}
