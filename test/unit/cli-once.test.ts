import { expect, test } from "vitest"
import type { OnceReport } from "#mesh/once-report.ts"
import { onceText } from "../../cli/once.ts"

const proxy = {
  proxy: "yelb-ui-0",
  mesh: "yelb",
  flavor: "app-mesh",
  role: "sidecar",
  resource: "yelb-ui",
  version: "1.40.0",
  provenance: "log",
  spans: "to this agent by xray-udp",
  problem: "",
  missing: [],
  logs: [],
  ok: true,
} as const
const requests = {
  mesh: "yelb",
  reporter: "source",
  virtualGateway: "",
  gatewayRoute: "",
  virtualService: "appserver",
  virtualRouter: "appserver-router",
  route: "api",
  source: "yelb-ui",
  virtualNode: "appserver-v1",
  ok: 90,
  clientErrors: 7,
  errors: 3,
  aborted: 1,
} as const
const report: OnceReport = {
  proxies: [
    proxy,
    {
      ...proxy,
      proxy: "evil\u001B[2J",
      ok: false,
      problem: "The admin interface does not answer.",
      spans: "unknown",
      provenance: "",
    },
  ],
  requests: [requests, { ...requests, route: "idle", ok: 0, clientErrors: 0, errors: 0, aborted: 0 }],
  lines: { read: 120, accounted: 101, dropped: { too_long: 1, broken: 0 }, doubts: { host: 2 } },
  takesSpans: true,
}

test("what was found once is shown as tables", () => {
  expect(
    onceText(report),
  ).toBe(`PROXY          STATE     MESH  ROLE     RESOURCE  ENVOY   COUNTED BY  SPANS                      REMARK
yelb-ui-0      read      yelb  sidecar  yelb-ui   1.40.0  log         to this agent by xray-udp
evil\\u001b[2J  NOT READ  yelb  sidecar  yelb-ui   1.40.0                                         The admin interface does not answer.

REPORTER  ROUTE                                FROM     TO            OK  CLIENT ERR  ERRORS  ABORTED  ERROR %
source    appserver / appserver-router / api   yelb-ui  appserver-v1  90           7       3        1     3.00
source    appserver / appserver-router / idle  yelb-ui  appserver-v1   0           0       0        0        –

120 lines read, 101 accounted; 1 too_long, 2 host
`)
})

test("that no proxy was found is said in words, with what looks further", () => {
  const text = onceText({ ...report, proxies: [], requests: [] })
  expect(text).toMatch(/^No proxy was found\. `meshscope doctor` looks for what is missing/)
  expect(text).not.toContain("PROXY")
})

test("no requests are said in words", () => {
  expect(
    onceText({ ...report, requests: [], lines: { read: 0, accounted: 0, dropped: {}, doubts: {} } }),
  ).toMatch(/\nNo requests were seen\.\n\n0 lines read, 0 accounted\n$/)
})

test("where spans miss an agent that waits for them, it is said what to do, once", () => {
  const spans = "elsewhere (127.0.0.1:2000 of its own pod)"
  const one = { ...proxy, spans }
  const astray = { ...report, proxies: [{ ...one, proxy: "a" }, one, one] }
  expect(onceText(astray)).toContain("Spans of a and 2 more do not come here. App Mesh's default:")
  expect(onceText(astray)).toContain("AWS_XRAY_DAEMON_ADDRESS")
  expect(onceText({ ...astray, takesSpans: false })).not.toContain("do not come here")
})
