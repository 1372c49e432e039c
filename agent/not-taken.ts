import { MeshscopeError } from "#mesh/errors.ts"
import type { PageSource } from "./collect/admin/client.ts"

/** What a proxy that sends its stats shows where nobody takes them. */
export const NOT_TAKEN: PageSource = {
  read: () =>
    Promise.reject(
      new MeshscopeError(
        "ADMIN_UNREACHABLE",
        "This proxy sends its stats, and nothing takes them here: that does a running agent with receive.dogstatsd.",
      ),
    ),
  close: () => undefined,
}
