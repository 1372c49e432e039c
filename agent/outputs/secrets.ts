import { readFile } from "node:fs/promises"
import type { HeadersConfig } from "../config/header-schema.ts"
import { filledHeaders } from "../config/headers.ts"
import { readTls } from "../config/tls.ts"
import type { TlsConfig } from "../config/tls-schema.ts"
import type { PushConfig } from "../publish/http/push-client.ts"
import type { OutputDeps } from "./output.ts"

const read = (path: string): Promise<string> => readFile(path, "utf8")

/** What an HTTP sink sends with each request. Files are read each time: tokens and certificates are replaced while we run. */
export function pushSecrets(
  { headers, tls }: { readonly headers: HeadersConfig; readonly tls: TlsConfig },
  { env }: Pick<OutputDeps, "env">,
): Required<Pick<PushConfig, "headers" | "tls">> {
  return {
    headers: () => filledHeaders(headers, { env, readFile: read }),
    tls: () => readTls(tls, read),
  }
}
