import { limit, skip, varint, type Wire } from "../protobuf-wire.ts"
import type { AlsWorkspace } from "./workspace.ts"

/** Longest address that is put in words: a Unix path has 107 bytes, a name 253. */
const LONGEST_ADDRESS = 300
const COLON = 58

/** The year 10000; a negative number of seconds, in two's complement, is far above. */
const MOST_SECONDS = 253_402_300_800
const time = { seconds: 0, nanos: 0 }

/** `google.protobuf.Duration` or `Timestamp`: seconds 1, nanos 2. @returns whether it is one that a clock can tell */
function readTime(wire: Wire, end: number): boolean {
  time.seconds = 0
  time.nanos = 0
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 8) time.seconds = varint(wire, end)
    else if (tag === 16) time.nanos = varint(wire, end)
    else skip(wire, tag, end)
  }
  return time.seconds < MOST_SECONDS && time.nanos < 1e9
}

/** A duration in nanoseconds, exact up to 104 days; -1 for a negative one. */
export function nanoseconds(wire: Wire, end: number): number {
  return readTime(wire, end) ? time.seconds * 1e9 + time.nanos : -1
}

/** A timestamp in whole milliseconds since the epoch; -1 for one that no date has. */
export function milliseconds(wire: Wire, end: number): number {
  return readTime(wire, end) ? time.seconds * 1000 + Math.floor(time.nanos / 1e6) : -1
}

/** A count of bytes or attempts; -1 for one that nothing counted. */
export function amount(wire: Wire, end: number): number {
  const value = varint(wire, end)
  return value <= Number.MAX_SAFE_INTEGER ? value : -1
}

/** `google.protobuf.UInt32Value`: value 1. */
export function wrapped(wire: Wire, end: number): number {
  let value = 0
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 8) value = varint(wire, end)
    else skip(wire, tag, end)
  }
  return value
}

/**
 * `envoy.config.core.v3.Address` (address.proto) as Envoy writes it in lines: `10.0.0.1:80`, `[::1]:80`, a Unix path,
 * `envoy://listener/endpoint`. The text is put at the end of the workspace. socket_address 1, pipe 2, internal 3.
 * @returns its first byte; -1 where there is none. It ends at the workspace's `at`
 */
export function addressText(wire: Wire, end: number, workspace: AlsWorkspace): number {
  let start = -1
  while (wire.at < end) {
    const tag = varint(wire, end)
    const stop = tag % 8 === 2 ? limit(wire, end) : -1
    if (tag === 10) start = socketText(wire, stop, workspace)
    else if (tag === 18) start = pipeText(wire, stop, workspace)
    else if (tag === 26) start = internalText(wire, stop, workspace)
    else if (stop >= 0) wire.at = stop
    else skip(wire, tag, end)
  }
  return start
}

/** SocketAddress: address 2, port_value 3. */
function socketText(wire: Wire, end: number, workspace: AlsWorkspace): number {
  let from = -1
  let to = -1
  let port = 0
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 18) {
      to = limit(wire, end)
      from = wire.at
      wire.at = to
    } else if (tag === 24) port = varint(wire, end)
    else skip(wire, tag, end)
  }
  if (from < 0 || from === to || to - from > LONGEST_ADDRESS || !workspace.fits(to - from + 24)) return -1
  const start = workspace.at
  const six = hasColon(workspace.bytes, from, to)
  if (six) workspace.byte(91)
  workspace.copy(from, to)
  if (six) workspace.byte(93)
  workspace.byte(COLON)
  workspace.digits(port > 65_535 ? 0 : port, 1)
  return start
}

/** Of addresses only those of IPv6 have one. */
function hasColon(bytes: Buffer, start: number, end: number): boolean {
  for (let at = start; at < end; at++) if (bytes[at] === COLON) return true
  return false
}

/** Pipe: path 1. */
function pipeText(wire: Wire, end: number, workspace: AlsWorkspace): number {
  const start = workspace.at
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) put(wire, limit(wire, end), workspace)
    else skip(wire, tag, end)
  }
  return workspace.at > start ? start : -1
}

/** EnvoyInternalAddress: server_listener_name 1, endpoint_id 2. */
function internalText(wire: Wire, end: number, workspace: AlsWorkspace): number {
  if (!workspace.fits(2 * LONGEST_ADDRESS + 16)) return -1
  const start = workspace.at
  workspace.words("envoy://")
  while (wire.at < end) {
    const tag = varint(wire, end)
    if (tag === 10) {
      put(wire, limit(wire, end), workspace)
      workspace.byte(47)
    } else if (tag === 18) put(wire, limit(wire, end), workspace)
    else skip(wire, tag, end)
  }
  return start
}

function put(wire: Wire, stop: number, workspace: AlsWorkspace): void {
  const start = wire.at
  wire.at = stop
  if (stop - start <= LONGEST_ADDRESS && workspace.fits(stop - start + 1)) workspace.copy(start, stop)
}
