import { isObject, ownMember } from "../json-object.ts"
import { type IstioOptions } from "./istio/mesh.ts"
import { KubeObjects } from "./kube-objects.ts"
import type { LiveObject } from "./live-object.ts"
import { modelOfObjects } from "./model-of-objects.ts"
import type { ParsedModel } from "./parsed.ts"
import { type Reading, tolerantReading } from "./reading.ts"
import type { Spot } from "./spot.ts"

/**
 * The model that objects of a running cluster declare, of all sources together, since they refer to each other. Never
 * throws for what an object holds: an object of a wrong schema, or whose name is taken, is left out, with a note that
 * names kind, namespace/name and field; a reference to what is not there is a note. The same objects give the same
 * model in whatever order they come: the older one wins.
 */
export function modelOfLiveObjects(objects: Iterable<LiveObject>, options: IstioOptions = {}): ParsedModel {
  const reading = tolerantReading()
  const known = new KubeObjects(reading)
  for (const spot of oldestFirst(objects, reading)) reading.attempt(() => known.take(spot))
  return modelOfObjects(known, options)
}

/** More objects than any mesh has: what one cluster may cost a collector. */
const MOST_OBJECTS = 50_000

interface Aged {
  readonly key: string
  readonly spot: Spot
}

function oldestFirst(objects: Iterable<LiveObject>, { notes }: Reading): Spot[] {
  const aged = Array.from(objects, agedOf).toSorted(byAge)
  const left = aged.length - MOST_OBJECTS
  if (left > 0) notes.add(`${left} of the youngest objects are left out: there are more than ${MOST_OBJECTS}`)
  return aged.slice(0, MOST_OBJECTS).map(({ spot }) => spot)
}

function byAge(a: Aged, b: Aged): number {
  if (a.key === b.key) return 0
  return a.key < b.key ? -1 : 1
}

/** Nothing is taken for granted: the type says what a well-meaning server sends. */
function agedOf(object: unknown): Aged {
  const metadata = memberOf(object, "metadata")
  const [version, kind] = [word(object, "apiVersion"), word(object, "kind")]
  const [namespace, name] = [word(metadata, "namespace"), word(metadata, "name")]
  const whole = [namespace, name].filter((part) => part !== "").join("/")
  const place = `${kind || "An object"} ${whole}`.trimEnd()
  return {
    key: JSON.stringify([word(metadata, "creationTimestamp"), version, kind, namespace, name]),
    spot: { value: object, path: [], place: { name: place, where: () => place } },
  }
}

function word(from: unknown, key: string): string {
  const value = memberOf(from, key)
  return typeof value === "string" ? value : ""
}

function memberOf(from: unknown, key: string): unknown {
  return isObject(from) ? ownMember(from, key) : undefined
}
