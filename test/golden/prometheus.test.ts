import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { openLedger } from "../../agent/account/ledger.ts"
import { makeExposition } from "../../agent/publish/prometheus/exposition.ts"
import type { Format } from "../../agent/publish/prometheus/text.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"
import { manualClock } from "../fixtures/ledger/manual-clock.ts"

test.each<Format>(["text", "openmetrics"])("the whole exposition as %s", async (format) => {
  const ledger = openLedger({ folder: temporaryFolder(), clock: manualClock(), common: { cluster: "eu-1" } })
  onTestFinished(() => ledger.close())
  const request = { mesh: "yelb", flavor: "app-mesh", reporter: "source", route: "db" }
  ledger.add(ledger.slot("requests", { ...request, outcome: "ok" }), 123_456_789_012)
  ledger.add(ledger.slot("requests", { ...request, outcome: "error" }), 0)
  ledger.add(ledger.slot("requestBytes", { ...request, route: 'q"b\\n\nx ü' }), 1e21)
  const duration = ledger.slot("duration", { ...request, outcome: "ok" })
  for (const seconds of [0.0004, 0.03, 0.03, 1, 500]) ledger.observe(duration, seconds)
  ledger.exemplify(duration, "5759e988bd862e3fe1be46a994272793", 0.03)
  ledger.set(ledger.slot("proxyMemory", { virtual_node: "ui", proxy: "ui-1" }), 2_147_483_648)
  ledger.set(ledger.slot("certificateExpiry", { virtual_node: "ui", certificate: "c" }), -1.5)
  ledger.commit()
  const page = await makeExposition(ledger.snapshot, format).page()
  const name = join(import.meta.dirname, `../fixtures/prometheus/exposition.${format}`)
  await expect(Buffer.concat(page.parts).toString()).toMatchFileSnapshot(name)
})
