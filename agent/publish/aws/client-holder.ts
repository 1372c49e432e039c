import type { defaultProvider } from "@aws-sdk/credential-provider-node"
import type { AwsTrouble } from "./trouble.ts"

/** What every client of ours is made with, beside what the SDK finds in environment and profile. */
export interface AwsClientConfig {
  /** Trying again is delivery's work. */
  readonly maxAttempts: 1
  readonly credentials?: ReturnType<typeof defaultProvider>
}

/** An SDK client that is made with the first request, and made anew where its credentials have to be looked for again. */
export interface AwsClientHolder<Client> {
  /** Rejects only where the SDK is not installed whole, or does not like its environment. */
  client(): Promise<Client>
  /** To be told of each trouble. */
  noteTrouble(trouble: AwsTrouble): void
  stop(): Promise<void>
}

/**
 * A client keeps the credentials that it found in a file until the process ends, and even that it found none. So after
 * trouble with credentials the next one reads the files again.
 * @param make imports the SDK's client and makes one
 */
export function makeAwsClientHolder<Client extends { destroy(): void }>(
  make: (config: AwsClientConfig) => Promise<Client>,
): AwsClientHolder<Client> {
  let current: Promise<Client> | undefined
  let again = false
  const begin = async (): Promise<Client> => {
    if (!again) return make({ maxAttempts: 1 })
    const provider = await import("@aws-sdk/credential-provider-node")
    return make({ maxAttempts: 1, credentials: provider.defaultProvider({ ignoreCache: true }) })
  }
  const drop = async (old: Promise<Client> | undefined): Promise<void> => {
    try {
      const client = await old
      client?.destroy()
    } catch {
      // It could not be made, and who asked for it was told.
    }
  }
  return {
    client() {
      if (current !== undefined) return current
      const made = begin()
      current = made
      made.catch(() => {
        if (current === made) current = undefined
      })
      return made
    },
    noteTrouble(trouble) {
      if (trouble.kind !== "retry" || trouble.credentials !== true) return
      again = true
      void drop(current)
      current = undefined
    },
    async stop() {
      await drop(current)
      current = undefined
    },
  }
}
