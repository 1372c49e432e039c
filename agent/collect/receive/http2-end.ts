import type { Http2Server, ServerHttp2Session } from "node:http2"

/** Closes a server: sessions end what is under way, and after `drainMs` they are cut. */
export async function endHttp2(
  server: Http2Server,
  sessions: Iterable<ServerHttp2Session>,
  drainMs: number,
): Promise<void> {
  if (!server.listening) return
  const closed = new Promise((resolve) => server.close(resolve))
  for (const session of sessions) session.close()
  const timer = setTimeout(() => {
    for (const session of sessions) session.destroy()
  }, drainMs)
  await closed
  clearTimeout(timer)
}
