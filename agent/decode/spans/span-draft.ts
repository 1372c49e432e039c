import {
  type AttributeValue,
  MAX_ATTRIBUTES,
  MAX_EVENTS,
  MAX_LINKS,
  type Span,
  type SpanEvent,
  type SpanKind,
  type SpanLink,
} from "#mesh/span.ts"
import { statusOf, takeHttp } from "./http-attributes.ts"
import type { SpanRefusal } from "./span-visitor.ts"

/** A span while it is read. Ids are lower-case hexadecimal digits of the right length, or empty. */
export interface SpanDraft {
  traceId: string
  id: string
  parentId: string
  name: string
  kind: SpanKind
  /** 0: not told. */
  startUs: number
  endUs: number | undefined
  service: string
  remote: string
  /** The sender says that it went wrong. */
  failed: boolean
  traceState: string
  readonly attributes: Map<string, AttributeValue>
  readonly events: SpanEvent[]
  readonly links: SpanLink[]
  /** Attributes, events and links that had no room. */
  cut: number
}

export function makeDraft(): SpanDraft {
  return {
    traceId: "",
    id: "",
    parentId: "",
    name: "",
    kind: "internal",
    startUs: 0,
    endUs: undefined,
    service: "",
    remote: "",
    failed: false,
    traceState: "",
    attributes: new Map(),
    events: [],
    links: [],
    cut: 0,
  }
}

const MAX_NAME_CHARS = 1024
const MAX_KEY_CHARS = 256
/** Of one attribute's value: a long stack trace fits. */
const MAX_VALUE_CHARS = 32_768
/** Nanoseconds of a signed 64-bit number end in the year 2262. */
const MAX_TIME_US = 9.2e15

const cutName = (name: string): string =>
  name.length > MAX_NAME_CHARS ? name.slice(0, MAX_NAME_CHARS).toWellFormed() : name

/** Where attributes are put: bounded in number and size. `cut` counts what had no room. */
export function putAttribute(
  into: Map<string, AttributeValue>,
  key: string,
  value: AttributeValue,
  counter: { cut: number },
): void {
  if (key === "" || key.length > MAX_KEY_CHARS || (into.size >= MAX_ATTRIBUTES && !into.has(key))) {
    counter.cut++
    return
  }
  if (typeof value !== "string" || value.length <= MAX_VALUE_CHARS) into.set(key, value)
  else {
    counter.cut++
    into.set(key, value.slice(0, MAX_VALUE_CHARS).toWellFormed())
  }
}

export function putEvent(draft: SpanDraft, event: SpanEvent): void {
  if (draft.events.length >= MAX_EVENTS || !isTime(event.timeUs)) draft.cut++
  else draft.events.push({ ...event, name: cutName(event.name) })
}

export function putLink(draft: SpanDraft, link: SpanLink): void {
  if (draft.links.length >= MAX_LINKS || isZero(link.traceId) || isZero(link.id)) draft.cut++
  else draft.links.push(link)
}

const ZEROS = /^0*$/
/** Empty or all zero, which both formats read as absent. */
export const isZero = (id: string): boolean => ZEROS.test(id)

/** The span, or why it is none. Attributes that have fields of their own are taken out of `draft.attributes`. */
export function spanOf(draft: SpanDraft, resource: ReadonlyMap<string, AttributeValue>): Span | SpanRefusal {
  const { attributes, kind, startUs } = draft
  if (isZero(draft.traceId)) return "no_trace_id"
  if (isZero(draft.id)) return "no_id"
  if (!isTime(startUs) || (draft.endUs !== undefined && !isTime(draft.endUs))) return "bad_time"
  const http = takeHttp(attributes, kind)
  return {
    traceId: draft.traceId,
    id: draft.id,
    parentId: isZero(draft.parentId) || draft.parentId === draft.id ? "" : draft.parentId,
    name: cutName(draft.name),
    kind,
    startUs,
    // A clock that was set back must not make time run backwards.
    endUs: draft.endUs === undefined ? undefined : Math.max(startUs, draft.endUs),
    service: cutName(draft.service),
    remote: cutName(draft.remote),
    http,
    status: statusOf(http.status, draft.failed),
    attributes,
    resource,
    ...(draft.events.length === 0 ? {} : { events: draft.events }),
    ...(draft.links.length === 0 ? {} : { links: draft.links }),
    ...(draft.traceState === "" ? {} : { traceState: draft.traceState.slice(0, MAX_NAME_CHARS) }),
    proxy: undefined,
    document: undefined,
  }
}

/** Microseconds since the epoch, whole. */
function isTime(us: number): boolean {
  return Number.isInteger(us) && us > 0 && us < MAX_TIME_US
}
