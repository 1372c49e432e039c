import type { AgentConfig } from "../config/parse.ts"
import { takesSpans } from "../config/receive-schema.ts"
import type { IntakesDeps } from "../spans/intakes.ts"
import type { DogStatsdDeps } from "./dogstatsd.ts"
import type { EntriesDeps } from "./entries.ts"
import type { ForwardDeps } from "./forward.ts"

/**
 * Everything that others send to the agent, as configured; each is loaded only where it is used. To be started before
 * proxies are discovered.
 * @returns ends all
 * @throws MeshscopeError LISTEN_FAILED
 */
export async function startReceiving(
  { receive, spans, logs }: Pick<AgentConfig, "receive" | "spans" | "logs">,
  deps: Omit<IntakesDeps & EntriesDeps & ForwardDeps & DogStatsdDeps, "hosts" | "maxLineBytes">,
): Promise<() => Promise<void>> {
  const ends: (() => Promise<void>)[] = []
  const stop = async (): Promise<void> => {
    await Promise.all(ends.splice(0).map((end) => end()))
  }
  const all = { ...deps, hosts: spans.hosts }
  try {
    if (takesSpans(receive)) {
      const { startIntakes } = await import("../spans/intakes.ts")
      ends.push(await startIntakes(receive, all))
    }
    if (receive.accessLogs !== undefined) {
      const { startEntries } = await import("./entries.ts")
      ends.push(await startEntries(receive.accessLogs, all))
    }
    if (receive.forward !== undefined) {
      const { startForward } = await import("./forward.ts")
      ends.push(await startForward(receive.forward, { ...deps, maxLineBytes: logs.maxLineBytes }))
    }
    if (receive.dogstatsd !== undefined) {
      const { startDogStatsd } = await import("./dogstatsd.ts")
      ends.push(await startDogStatsd(receive.dogstatsd, deps))
    }
  } catch (error) {
    await stop()
    throw error
  }
  return stop
}
