import type { JsonObject } from "#mesh/json-object.ts"
import type { AttributeValue, Span, SpanProxy } from "#mesh/span.ts"
import { bareObject, objectOf, present } from "./json-draft.ts"

/** X-Ray indexes 50 of a trace (…/xray-api-segmentdocuments.html, `annotations`). */
const MAX_ANNOTATIONS = 50
const MAX_TEXT = 250
const KEY = /^\w{1,100}$/

export interface Annotations {
  readonly kept: JsonObject
  /** Those above the limit, and those that are no text, number or boolean: for metadata. Undefined: none. */
  readonly rest: JsonObject | undefined
}

/**
 * Annotations of a proxy's span: first the names of the mesh, so that they are among those that X-Ray indexes, then what the
 * sender told. Keys keep letters, digits and `_`; anything else becomes `_`, because X-Ray leaves out keys with other
 * characters (github.com/aws/aws-app-mesh-roadmap, issue 256: `grpc.status_code`).
 */
export function proxyAnnotations(span: Span, proxy: SpanProxy): Annotations {
  const told = span.document === undefined ? span.attributes : objectOf(span.document, "annotations")
  return chosen([...meshWords(proxy), ...entriesOf(told)])
}

/** Those that are to be searched for; `names` are attributes that become annotations. */
export function namedAnnotations(span: Span, names: ReadonlySet<string>): Annotations {
  return chosen(names.size === 0 ? [] : entriesOf(span.attributes).filter(([name]) => names.has(name)))
}

/** Names of the mesh that are known; `virtual_gateway` says that it is a gateway. */
function meshWords(proxy: SpanProxy): [string, AttributeValue][] {
  const own = proxy.role === "gateway" ? "virtual_gateway" : "virtual_node"
  const words: [string, string][] = [
    ["mesh", proxy.mesh],
    [own, proxy.resource],
    ["virtual_service", proxy.virtualService],
    ["route", proxy.route],
    ["target_node", proxy.direction === "egress" ? proxy.target : ""],
    ["response_flags", proxy.flags],
    ["direction", proxy.direction === "unknown" ? "" : proxy.direction],
  ]
  return words.filter(([, value]) => value !== "")
}

function entriesOf(told: JsonObject | Span["attributes"]): [string, unknown][] {
  return told instanceof Map ? [...told] : Object.entries(told)
}

/** The first of a name stays. */
function chosen(entries: readonly (readonly [string, unknown])[]): Annotations {
  const kept = bareObject()
  const rest = bareObject()
  let room = MAX_ANNOTATIONS
  for (const [name, value] of entries) {
    const key = cleanKey(name)
    if (key in kept) continue
    if (room === 0 || !isScalar(value)) rest[name] = value
    else {
      kept[key] = typeof value === "string" && value.length > MAX_TEXT ? value.slice(0, MAX_TEXT) : value
      room--
    }
  }
  return { kept, rest: present(rest) }
}

function cleanKey(name: string): string {
  return KEY.test(name) ? name : name.slice(0, 100).replaceAll(/[^A-Za-z0-9_]/g, "_") || "_"
}

const isScalar = (value: unknown): value is AttributeValue =>
  typeof value === "string" ||
  typeof value === "boolean" ||
  (typeof value === "number" && Number.isFinite(value))
