import { createServer, type ServerOptions } from "node:http"
import {
  createServer as createSecureServer,
  type Server as SecureServer,
  type ServerOptions as SecureServerOptions,
} from "node:https"
import { createSecureContext, TLSSocket } from "node:tls"
import type { Http2Bindings, HttpBindings } from "@hono/node-server"
import type { Clock } from "#mesh/clock.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { lookAtFiles, NOTHING_SEEN, SETTLE_MS } from "#mesh/settled-files.ts"
import type { Log } from "../log.ts"
import type { ListenerTlsConfig } from "./schema.ts"

/** How often files with certificates are looked at, ms. */
const LOOK_MS = 5000
/** A slow sender may not hold a connection for ever. */
const LIMITS = { requestTimeout: 30_000, headersTimeout: 10_000, keepAliveTimeout: 65_000 } as const

/** What a server is made with. */
export interface ListenerKind {
  readonly scheme: "http" | "https"
  readonly transport:
    | { readonly createServer: typeof createServer; readonly serverOptions: ServerOptions }
    | { readonly createServer: typeof createSecureServer; readonly serverOptions: SecureServerOptions }
  /** Whether a request may be answered at all, as far as certificates are concerned. */
  readonly admits: (path: string, bindings: HttpBindings | Http2Bindings) => boolean
  /** Takes certificates that were replaced, until `signal` aborts. */
  follow(server: unknown, signal: AbortSignal): Promise<void>
}

export const plainListener: ListenerKind = {
  scheme: "http",
  transport: { createServer, serverOptions: LIMITS },
  admits: () => true,
  follow: () => Promise.resolve(),
}

const WHAT = "The certificate (setting tls)"

/**
 * TLS with certificates from files that may be replaced while we run; new connections get the new ones.
 * @throws MeshscopeError FILE_UNREADABLE, CONFIG_INVALID
 */
export async function secureListener(
  { certFile, keyFile, clientCaFile }: ListenerTlsConfig,
  { clock, log }: { readonly clock: Clock; readonly log: Log },
): Promise<ListenerKind> {
  const files = [certFile, keyFile, ...(clientCaFile === undefined ? [] : [clientCaFile])]
  const first = await lookAtFiles(WHAT, files, NOTHING_SEEN, () => Promise.resolve())
  const asks = clientCaFile !== undefined
  // Whoever has no certificate is refused by path, so that a probe of `/healthz` needs none.
  const options = { ...LIMITS, ...contextOf(first.texts), requestCert: asks, rejectUnauthorized: false }
  checkContext(options, certFile)
  return {
    scheme: "https",
    transport: { createServer: createSecureServer, serverOptions: options },
    admits: (path, { incoming }) =>
      !asks || path === "/healthz" || (incoming.socket instanceof TLSSocket && incoming.socket.authorized),
    async follow(server, signal) {
      let seen = first
      let told = ""
      while (!signal.aborted) {
        await clock.sleep(LOOK_MS, signal)
        if (signal.aborted) return
        try {
          const now = await lookAtFiles(WHAT, files, seen, () => clock.sleep(SETTLE_MS, signal))
          if (now !== seen) {
            const context = contextOf(now.texts)
            checkContext(context, certFile)
            if (isSecure(server)) server.setSecureContext(context)
            seen = now
            log.info("The listener's certificate was read again.", {})
          }
          told = ""
        } catch (error) {
          const { code, message } =
            error instanceof MeshscopeError ? error : { code: "", message: String(error) }
          if (message !== told)
            log.warn(`${message} The certificate that was read before is used on.`, { code })
          told = message
        }
      }
    },
  }
}

const isSecure = (server: unknown): server is SecureServer =>
  typeof server === "object" && server !== null && "setSecureContext" in server

function contextOf(texts: readonly string[] = []) {
  const [cert, key, ca] = texts
  return { cert, key, minVersion: "TLSv1.2", ...(ca === undefined ? {} : { ca }) } as const
}

/** @throws MeshscopeError CONFIG_INVALID, with a sentence in place of OpenSSL's words */
function checkContext(context: ReturnType<typeof contextOf>, file: string): void {
  try {
    createSecureContext(context)
  } catch (cause) {
    throw new MeshscopeError(
      "CONFIG_INVALID",
      `The certificate ${file} (setting tls) cannot be used: ${cause instanceof Error ? cause.message : ""}. Certificate and key must be PEM and belong together.`,
      { cause },
    )
  }
}
