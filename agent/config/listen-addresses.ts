import type { SocketAddress } from "#mesh/proxy.ts"
import type { PublishConfig } from "./publish-schema.ts"
import type { ReceiveConfig } from "./receive-schema.ts"

type Place = readonly [path: readonly string[], address: SocketAddress]

/** Settings whose TCP address another setting above has already, with the path of that one. */
export function sharedAddresses(config: {
  readonly receive: ReceiveConfig
  readonly publish: Pick<PublishConfig, "prometheus">
}): { readonly path: readonly string[]; readonly first: string }[] {
  const places = tcpPlaces(config)
  return places.flatMap(([path, address], at) => {
    const first = places.slice(0, at).find(([, other]) => overlap(address, other))
    return first === undefined ? [] : [{ path, first: first[0].join(".") }]
  })
}

function tcpPlaces({ receive, publish }: Parameters<typeof sharedAddresses>[0]): Place[] {
  const { xray, zipkin, otlp, accessLogs, forward } = receive
  const { prometheus } = publish
  return [
    // First: an intake's section is always written, so that a problem can stand there.
    ...(prometheus.enabled ? [[["publish", "prometheus", "listen"], prometheus.listen] as const] : []),
    ...(xray === undefined ? [] : [[["receive", "xray", "tcp"], xray.tcp] as const]),
    ...(zipkin === undefined ? [] : [[["receive", "zipkin", "listen"], zipkin.listen] as const]),
    ...(otlp === undefined
      ? []
      : [
          [["receive", "otlp", "listen"], otlp.listen] as const,
          [["receive", "otlp", "grpc"], otlp.grpc] as const,
        ]),
    ...(forward === undefined ? [] : [[["receive", "forward", "listen"], forward.listen] as const]),
    ...(accessLogs === undefined ? [] : [[["receive", "accessLogs", "listen"], accessLogs.listen] as const]),
  ]
}

/** Port 0 is any free one. */
function overlap(a: SocketAddress, b: SocketAddress): boolean {
  if (a.port !== b.port || a.port === 0) return false
  return isAny(a.host) || isAny(b.host) || named(a.host) === named(b.host)
}

const isAny = (host: string): boolean => host === "0.0.0.0" || host === "::"
const named = (host: string): string => (host === "localhost" ? "127.0.0.1" : host.toLowerCase())
