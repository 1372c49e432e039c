import { HostedApp } from "./hosting.ts"
import type { Command, Order, Report } from "./protocol.ts"
import { type AppState, makeState } from "./state.ts"

/** The process of all applications of one fleet. It ends with its parent. */
const FLUSH_MS = 200

const send = (report: Report): void => {
  if (process.connected) process.send?.(report)
}
const state: AppState = makeState((call) => send({ kind: "held", call }))
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
