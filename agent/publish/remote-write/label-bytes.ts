import type { Series } from "#mesh/snapshot.ts"
import { fieldBytes, putHead } from "../protobuf/wire.ts"

/** Tag of `labels` in TimeSeries, and of name and value in Label (prometheus/prompb/types.proto). */
const LABEL = 0x0a
const NAME = 0x0a
const VALUE = 0x12

/** `Label` as a field of its `TimeSeries`. */
export function labelField(name: string, value: string): Buffer {
  const out = Buffer.alloc(16 + (name.length + value.length) * 3)
  return out.subarray(0, putLabel(out, 0, name, value))
}

function putLabel(out: Buffer, at: number, name: string, value: string): number {
  const nameBytes = Buffer.byteLength(name)
  const valueBytes = Buffer.byteLength(value)
  let end = putHead(out, at, LABEL, fieldBytes(nameBytes) + fieldBytes(valueBytes))
  end = putHead(out, end, NAME, nameBytes)
  end += out.write(name, end)
  end = putHead(out, end, VALUE, valueBytes)
  return end + out.write(value, end)
}

type Label = readonly [name: string, value: string]

/**
 * What never changes of a series' labels as bytes, encoded once, side by side in one buffer; by slot. Receivers want the
 * labels in the order of their names, so a series has those between `__name__` and `le`, and those after `le`.
 */
export interface LabelBytes {
  /** Labels of every series that stand before `__name__`. */
  readonly before: Buffer
  /** May be replaced by the next `known`. */
  readonly bytes: Buffer
  readonly used: number
  /** Makes sure that the series is encoded. Answers where its bytes begin. */
  known(series: Series): number
  headLength(slot: number): number
  tailLength(slot: number): number
}

/** @param common labels of every series that has none of that name; without `__name__` and `le` */
export function makeLabelBytes(common: Readonly<Record<string, string>>): LabelBytes {
  const own = Object.entries(common).filter(([, value]) => value !== "")
  const before = own.filter(([name]) => name < "__name__")
  const rest = own.filter(([name]) => name > "__name__")
  let bytes = Buffer.allocUnsafeSlow(65_536)
  let used = 0
  let at = new Int32Array(1024).fill(-1)
  let head = new Int32Array(1024)
  let tail = new Int32Array(1024)
  const put = (labels: readonly Label[]): number => {
    const wanted = labels.reduce((sum, [name, value]) => sum + 16 + (name.length + value.length) * 3, 0)
    if (used + wanted > bytes.length) {
      const bigger = Buffer.allocUnsafeSlow(Math.max(bytes.length * 2, used + wanted))
      bytes.copy(bigger, 0, 0, used)
      bytes = bigger
    }
    const from = used
    for (const [name, value] of labels) used = putLabel(bytes, used, name, value)
    return used - from
  }
  const add = (series: Series): number => {
    const { slot } = series
    if (slot >= at.length) {
      const size = Math.max(slot + 1, at.length * 2)
      at = grown(at, size, -1)
      head = grown(head, size, 0)
      tail = grown(tail, size, 0)
    }
    const sorted = sortedLabels(series, rest)
    const from = used
    head[slot] = put(sorted.filter(([name]) => name < "le"))
    tail[slot] = put(sorted.filter(([name]) => name > "le"))
    at[slot] = from
    return from
  }
  return {
    before: Buffer.concat(sortedByName(before).map(([name, value]) => labelField(name, value))),
    get bytes() {
      return bytes
    },
    get used() {
      return used
    },
    known(series) {
      const from = at[series.slot] ?? -1
      return from < 0 ? add(series) : from
    },
    headLength: (slot) => head[slot] ?? 0,
    tailLength: (slot) => tail[slot] ?? 0,
  }
}

function sortedLabels(series: Series, common: readonly Label[]): readonly Label[] {
  const names = new Set(series.labels.map(([name]) => name))
  return sortedByName([...series.labels, ...common.filter(([name]) => !names.has(name))])
}

/** Names are ASCII: the order of their UTF-16 units is that of their bytes. */
function sortedByName(labels: readonly Label[]): readonly Label[] {
  return labels.toSorted(([one], [other]) => (one < other ? -1 : 1))
}

function grown(array: Int32Array<ArrayBuffer>, size: number, fill: number): Int32Array<ArrayBuffer> {
  const bigger = new Int32Array(size).fill(fill)
  bigger.set(array)
  return bigger
}
