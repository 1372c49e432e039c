import type { MeshRig } from "../meshes/rig.ts"
import { type Asked, beyond, type Door, type Outside, outside, podOf, send, silent } from "./caller.ts"
import { CALLERS, DOOR_PORT, HTTP_PORT, NODE_TCP_PORT, SERVICE, TCP_PORT } from "./model.ts"

const NEW = { "x-group": "new" }

/** What each caller asks for, with the status that is to come. */
const CALLS: readonly (readonly [Asked, number])[] = [
  [{ path: "/group", times: 3 }, 200],
  [{ path: "/group", times: 2, headers: NEW }, 200],
  [{ path: "/group", times: 1, headers: NEW, status: 500 }, 500],
  [{ path: "/apart", times: 3 }, 200],
  [{ path: "/apart", times: 2, headers: NEW }, 200],
  [{ path: "/agent", times: 3, headers: { "user-agent": "desk" } }, 200],
  [{ path: "/agent", times: 2, headers: { "user-agent": "phone 1" } }, 200],
  [{ path: "/gone", times: 3 }, 200],
  [{ path: "/gone", times: 2, headers: NEW }, 503],
  [{ path: "/nowhere", times: 4 }, 404],
  [{ path: "/group", times: 5, host: "other.doubt" }, 404],
]

/** What strangers ask the gateways for. */
const VISITS: readonly (readonly [Asked, number])[] = [
  [{ path: "/group", times: 3 }, 200],
  [{ path: "/group", times: 2, headers: NEW }, 200],
  [{ path: "/nowhere", times: 4 }, 404],
]

/** Asks all; throws where another status came than was to come. */
async function askAll(door: Door, asked: readonly (readonly [Asked, number])[]): Promise<void> {
  for (const [one, status] of asked) {
    const came = await send(door, one)
    if (came[status] !== one.times)
      throw new Error(`${one.path} at ${door.host} came to ${JSON.stringify(came)}`)
  }
}

export const askRoutes = async ({ fleet }: MeshRig, caller: string): Promise<void> =>
  askAll(
    { host: podOf(fleet, caller).egressAddress, port: HTTP_PORT, authority: `${SERVICE}:${HTTP_PORT}` },
    CALLS,
  )

export const askDoor = async ({ fleet }: MeshRig, door: string): Promise<void> =>
  askAll({ host: podOf(fleet, door).address, port: DOOR_PORT, authority: "shop.example" }, VISITS)

/** Hosts that the mesh does not declare. */
export interface Outsiders {
  readonly plain: Outside
  readonly aws: Outside
  /** TLS like AWS's, under another name. */
  readonly tls: Outside
  /** On the port of a declared service. */
  readonly samePort: Outside
  readonly close: () => void
}

export async function outsiders({ fleet }: MeshRig): Promise<Outsiders> {
  const at = (host: number, port: number): Promise<Outside> => outside(`127.${fleet.base}.4.${host}`, port)
  const [plain, aws, tls] = [await at(1, 5000), await at(2, 443), await at(3, 443)]
  const samePort = await at(4, HTTP_PORT)
  const all = [plain, aws, tls, samePort]
  return { plain, aws, tls, samePort, close: () => all.forEach(({ close }) => close()) }
}

/** Which connections got an answer. */
export interface Reached {
  readonly plain: boolean
  readonly aws: boolean
  readonly tls: boolean
  readonly samePort: boolean
  /** The declared TCP service, and its node past the service. */
  readonly till: boolean
  readonly node: boolean
}

/**
 * Each caller connects: to the undeclared once each, plain ones twice and once without a word, to the declared service
 * three times.
 */
export async function connectAll({ fleet }: MeshRig, caller: string, to: Outsiders): Promise<Reached> {
  const shelf = podOf(fleet, "shelf").address
  const open = (host: string, port: number, name?: string): Promise<boolean> =>
    beyond(fleet, caller, { host, port }, name)
  const till: boolean[] = []
  for (let at = 0; at < 3; at += 1) till.push(await open(shelf, TCP_PORT))
  await open(to.plain.host, to.plain.port)
  await silent(fleet, caller, to.plain)
  return {
    plain: await open(to.plain.host, to.plain.port),
    aws: await open(to.aws.host, 443, "s3.eu-west-1.amazonaws.com"),
    tls: await open(to.tls.host, 443, "outside.example"),
    samePort: await open(to.samePort.host, HTTP_PORT),
    till: till.every(Boolean),
    node: await open(shelf, NODE_TCP_PORT),
  }
}

export const ALL_CALLERS = Object.values(CALLERS)
