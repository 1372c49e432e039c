/** Resolves once the signal aborts, and keeps the process alive until then. */
export function untilStopped(signal: AbortSignal): Promise<void> {
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
