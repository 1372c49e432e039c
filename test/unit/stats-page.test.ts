import { expect, test } from "vitest"
import { assertStatsPage } from "../../agent/decode/stats/stats-page.ts"

const RAW = "cluster.a.upstream_rq_total: 5\nserver.version: 7\n"
const PROMETHEUS = "# TYPE envoy_server_live gauge\nenvoy_server_live{} 1\n"

test.each([
  ["raw", RAW],
  ["raw", `\n${RAW}`],
  ["raw", 'control_plane.identifier: "x"\n'],
  ["raw", "cluster.a.upstream_rq_time: No recorded values\n"],
  ["prometheus", PROMETHEUS],
  ["prometheus", "envoy_server_live{} 1\n# a comment\n"],
] as const)("a page of stats: %s %j", (format, page) => {
  expect(() => assertStatsPage(format, Buffer.from(page))).not.toThrow()
})

test.each([
  ["raw", ""],
  ["raw", "\n\n"],
  ["raw", "RBAC: access denied"],
  ["raw", "upstream connect error or disconnect/reset before headers\n"],
  ["raw", "cluster.a.upstream_rq_total: 5"],
  ["raw", "<html>requests: 12\n</html>\n"],
  ["raw", '{"stats": 12\n}\n'],
  ["raw", "[\n1 ]\n"],
  ["raw", PROMETHEUS],
  ["prometheus", ""],
  ["prometheus", "# TYPE envoy_server_live gauge\n"],
  ["prometheus", "<html>requests 12\n</html>\n"],
  ["prometheus", "no healthy upstream\n"],
] as const)("no page of stats: %s %j", (format, page) => {
  expect(() => assertStatsPage(format, Buffer.from(page))).toThrow("no page of stats")
})
