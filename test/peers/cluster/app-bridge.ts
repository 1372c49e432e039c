import { fork } from "node:child_process"
import { connect } from "node:net"
import { createInterface } from "node:readline"

/** In a pod: runs the demo's application, and carries its messages over a Unix socket of the node, one JSON a line. */
const RETRY_MS = 200

const app = fork(new URL("../../../demo/apps/main.ts", import.meta.url), { execArgv: [] })
app.on("exit", (code) => process.exit(code ?? 1))
// Process 1 of a container has no default handler.
process.on("SIGTERM", () => app.kill("SIGKILL"))

function attach(path: string): void {
  const socket = connect(path)
  socket.on("error", () => setTimeout(() => attach(path), RETRY_MS))
  socket.on("connect", () => {
    app.on("message", (report) => socket.write(`${JSON.stringify(report)}\n`))
    createInterface({ input: socket }).on("line", (line) => app.send(JSON.parse(line) as object))
    socket.on("end", () => process.exit(0))
  })
}

attach(process.argv[2] ?? "")
