import { vi } from "vitest"

/** Takes this machine's region, credentials and profile out of the environment that the SDK reads, until `unstubAllEnvs`. */
export function stubBareEnvironment(): void {
  for (const name of Object.keys(process.env).filter((one) => one.startsWith("AWS_")))
    vi.stubEnv(name, undefined)
  vi.stubEnv("AWS_EC2_METADATA_DISABLED", "true")
  vi.stubEnv("AWS_CONFIG_FILE", "/nonexistent/config")
  vi.stubEnv("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent/credentials")
}
