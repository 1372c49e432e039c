import { networkInterfaces } from "node:os"
import type { AgentConfig } from "../config/parse.ts"
import type { SpanReception } from "../resolve/spans/way.ts"

/** Addresses of this host, under which proxies may reach the agent. */
export function hostAddresses(): string[] {
  return Object.values(networkInterfaces()).flatMap(
    (addresses) => addresses?.map(({ address }) => address) ?? [],
  )
}

/** Where an agent of this configuration would take spans, without listening anywhere. */
export function configuredReception({
  receive,
  spans,
}: Pick<AgentConfig, "receive" | "spans">): Pick<SpanReception, "listens" | "hosts"> {
  const { xray, zipkin, otlp } = receive
  return {
    listens: {
      ...(xray === undefined ? {} : { "xray-udp": xray.udp }),
      ...(zipkin === undefined ? {} : { zipkin: zipkin.listen }),
      ...(otlp === undefined ? {} : { otlp: otlp.listen, "otlp-grpc": otlp.grpc }),
    },
    hosts: new Set([...hostAddresses(), ...spans.hosts]),
  }
}
