import { expect, test } from "vitest"
import { serveMetrics } from "../../agent/metrics-server.ts"

test("an agent whose state cannot be written is alive, and not well: a restart would not mend it", async () => {
  let frozen: string | undefined
  const server = await serveMetrics(
    { listen: { host: "127.0.0.1", port: 0 }, path: "/metrics" },
    {
      handle: () => Promise.resolve(),
      counters: { scrapes: 0, failures: 0, refused: 0, lastMs: 0, lastBytes: 0 },
    },
    () => frozen,
  )
  const ask = async (path: string): Promise<readonly [number, string]> => {
    const answer = await fetch(server.url.replace("/metrics", path))
    return [answer.status, await answer.text()]
  }
  try {
    expect([await ask("/healthz"), await ask("/livez")]).toEqual([
      [200, "ok\n"],
      [200, "ok\n"],
    ])
    frozen = "The disk is full."
    expect([await ask("/healthz"), await ask("/livez")]).toEqual([
      [503, "The disk is full.\n"],
      [200, "ok\n"],
    ])
    expect((await ask("/anything"))[0]).toBe(404)
  } finally {
    await server.close()
  }
})
