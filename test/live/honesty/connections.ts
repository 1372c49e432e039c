import { UNDECLARED } from "../../../mesh/resource.ts"
import type { Cause } from "./cause.ts"
import { seen } from "./way.ts"

const DURATION = { max_downstream_connection_duration: "0.1s" } as const

export const connections: readonly Cause[] = [
  {
    cause: "TCP: fine",
    tcp: { service: "tcp-fine.lab.local", node: "tcp-fine", port: 9100 },
    provoke: (caller) => caller.raw(9100, "x", "close"),
    seen: seen(0, "-", "-"),
    oursTcp: { service: "tcp-fine.lab.local", node: "tcp-fine", outcome: "ok" },
  },
  {
    cause: "TCP: refused",
    tcp: { service: "tcp-refused.lab.local", node: "tcp-refused", port: 9101 },
    provoke: (caller) => caller.raw(9101, "x", "close"),
    seen: seen(0, "UF,URX", "-"),
    oursTcp: { service: "tcp-refused.lab.local", node: "tcp-refused", outcome: "error" },
  },
  {
    cause: "TCP: no endpoints",
    tcp: { service: "tcp-empty.lab.local", node: "tcp-empty", port: 9102 },
    provoke: (caller) => caller.raw(9102, "x", "close"),
    seen: seen(0, "UH", "-"),
    oursTcp: { service: "tcp-empty.lab.local", node: "tcp-empty", outcome: "error" },
  },
  {
    cause: "TCP: maximum duration",
    tcp: { service: "tcp-long.lab.local", node: "tcp-long", port: 9103, more: DURATION },
    provoke: (caller) => caller.raw(9103, "", "close"),
    seen: seen(0, "DT", "-"),
    oursTcp: { service: "tcp-long.lab.local", node: "tcp-long", outcome: "error" },
  },
  {
    cause: "TCP: no filter chain",
    tcp: { service: "", node: "", port: 9104, chainless: true },
    provoke: (caller) => caller.raw(9104, "x", "close"),
    seen: seen(0, "NR", "filter_chain_not_found"),
    oursTcp: { service: UNDECLARED, node: UNDECLARED, outcome: "error" },
  },
]
