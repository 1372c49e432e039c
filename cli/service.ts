import type { ExitName, Terminal } from "./command.ts"

/** What runs until it is told to stop. */
export interface Service {
  /** Ends what is under way and writes what is not written. */
  stop(): Promise<void>
}

/** Lets a started service run until SIGINT or SIGTERM, then stops it; its log tells so. */
export async function untilStopped(
  name: "agent" | "collector",
  service: Service,
  log: { info(sentence: string): void },
  { signal }: Pick<Terminal, "signal">,
): Promise<ExitName> {
  await aborted(signal)
  log.info(`The ${name} is stopping.`)
  await service.stop()
  log.info(`The ${name} has stopped.`)
  return "ok"
}

/** Keeps the process alive until then. */
function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) {
      resolve()
      return
    }
    const alive = setInterval(() => undefined, 2 ** 30)
    signal.addEventListener(
      "abort",
      () => {
        clearInterval(alive)
        resolve()
      },
      { once: true },
    )
  })
}
