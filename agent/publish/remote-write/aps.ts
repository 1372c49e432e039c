import type { SigningConfig } from "../aws/signing.ts"

/** docs.aws.amazon.com/general/latest/gr/prometheus-service.html: `aps-workspaces.eu-west-1.amazonaws.com`. */
const WORKSPACES = /^aps-workspaces(?:-fips)?\.([a-z0-9-]+)\./

/**
 * How requests to this address are signed: for Amazon Managed Prometheus, in the region of its workspace; undefined where
 * they are not.
 */
export function apsSigning(url: string, wanted: boolean | "auto"): SigningConfig | undefined {
  const region = WORKSPACES.exec(new URL(url).hostname)?.[1]
  const signed = wanted === "auto" ? region !== undefined : wanted
  return signed ? { service: "aps", region } : undefined
}
