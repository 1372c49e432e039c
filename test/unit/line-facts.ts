import { type AccessFact, Field, type FieldName, makeAccessFact } from "#mesh/access.ts"
import { flagBits } from "#mesh/flags.ts"
import type { ProxyIdentity } from "#mesh/proxy.ts"
import { makeInterner, type Resolution } from "#mesh/request.ts"

/** Facts and resolutions by hand, for tests of what is made of lines. */

export const PROXY: ProxyIdentity = {
  proxy: "ui-7d9f",
  nodeId: "mesh/yelb/virtualNode/ui",
  flavor: "app-mesh",
  mesh: "yelb",
  role: "sidecar",
  resource: "ui",
}

type Numbers = Omit<AccessFact, "bytes" | "spans" | "flags"> & { readonly flags: string }

/** Texts as they would lie in a line; `undefined` and left out: not in the line. */
export function factOf(
  texts: Partial<Record<FieldName, string | Uint8Array | undefined>>,
  numbers: Partial<Numbers> = {},
): AccessFact {
  const fact = makeAccessFact()
  const parts: Uint8Array[] = [Buffer.from("{")]
  let at = 1
  for (const [name, text] of Object.entries(texts)) {
    if (text === undefined) continue
    const bytes = Buffer.from(text)
    fact.spans[Field[name as FieldName] * 2] = at
    fact.spans[Field[name as FieldName] * 2 + 1] = at + bytes.length
    parts.push(bytes, Buffer.from("|"))
    at += bytes.length + 1
  }
  fact.bytes = Buffer.concat(parts)
  const { flags, ...others } = numbers
  Object.assign(fact, others, flags === undefined ? {} : { flags: flagBits(flags) })
  return fact
}

const interner = makeInterner()

export function resolutionOf(
  own: Partial<Omit<Resolution, "row" | "target">> & {
    readonly row?: Partial<Resolution["row"]>
    readonly target?: string
  } = {},
): Resolution {
  const { row, target, ...others } = own
  return {
    kind: "request",
    protocol: 0,
    doubt: undefined,
    ...others,
    row: interner.row({
      mesh: "yelb",
      flavor: "app-mesh",
      reporter: "source",
      virtualGateway: "",
      gatewayRoute: "",
      virtualService: "appserver.yelb",
      virtualRouter: "appserver",
      route: "v1",
      source: "ui",
      ...row,
    }),
    target: interner.target(target ?? "appserver-v1"),
  }
}
