import { setTimeout as sleep } from "node:timers/promises"
import { HostedApp } from "./hosting.ts"
import type { Command, Order, Report } from "./protocol.ts"
import { type AppState, makeState } from "./state.ts"

/** The process of all applications of one fleet. It ends with its parent. */
const FLUSH_MS = 200
const SERVED_MS = 5000

const send = (report: Report): void => {
  // A parent that has just gone is no error: `disconnect` ends this process.
  if (process.connected) process.send?.(report, () => {})
}
const state: AppState = makeState((request) => send({ kind: "held", request }))
const apps = new Map<string, HostedApp>()

function flush(): void {
  if (state.calls.length + state.arrivals.length + state.tcp.length === 0) return
  const records = {
    calls: state.calls.splice(0),
    arrivals: state.arrivals.splice(0),
    tcp: state.tcp.splice(0),
  }
  send({ kind: "records", records })
}

/** A proxy that gives up on a request closes it a moment later: its record must not come after the flush. */
async function allServed(): Promise<void> {
  const until = performance.now() + SERVED_MS
  while (state.open > 0) {
    if (performance.now() > until) throw new Error(`${state.open} requests are still open`)
    await sleep(5)
  }
}

async function obey(command: Command): Promise<void> {
  switch (command.kind) {
    case "start":
      for (const pod of command.pods) apps.set(pod.pod, new HostedApp(pod, state))
      await Promise.all([...apps.values()].map((app) => app.up()))
      return
    case "down":
      await apps.get(command.pod)?.down()
      return
    case "up":
      await apps.get(command.pod)?.up()
      return
    case "slow":
      state.slowMs.set(command.node, command.delayMs)
      return
    case "abort":
      if (command.on) state.aborting.add(command.node)
      else state.aborting.delete(command.node)
      return
    case "flush":
      await allServed()
      flush()
  }
}

process.on("message", (order: Order) => {
  obey(order.command).then(
    () => send({ kind: "done", number: order.number }),
    (error: unknown) => send({ kind: "done", number: order.number, problem: String(error) }),
  )
})
process.on("disconnect", () => process.exit(0))
// Ctrl-C reaches the whole group; the parent decides when the applications end.
process.on("SIGINT", () => {})
setInterval(flush, FLUSH_MS)
