import { readFile } from "node:fs/promises"
import type { HeadersConfig } from "../config/header-schema.ts"
import { filledHeaders } from "../config/headers.ts"
import { readTls } from "../config/tls.ts"
import type { TlsConfig } from "../config/tls-schema.ts"
import type { PushConfig } from "../publish/http/push-client.ts"
import type { OutputDeps } from "./output.ts"

/** Text of a file; rejects when it cannot be read. */
export const readText = (path: string): Promise<string> => readFile(path, "utf8")

type Secrets = { readonly [K in "headers" | "tls"]: NonNullable<PushConfig[K]> }

/** What an HTTP sink sends with each request. Files are read each time: tokens and certificates are replaced while we run. */
export function pushSecrets(
  { headers, tls }: { readonly headers: HeadersConfig; readonly tls: TlsConfig },
  { env }: Pick<OutputDeps, "env">,
): Secrets {
  return {
    headers: () => filledHeaders(headers, { env, readFile: readText }),
    tls: () => readTls(tls, readText),
  }
}
