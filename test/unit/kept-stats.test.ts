import { expect, it } from "vitest"
import { decodeConfigDump } from "../../agent/decode/config-dump/decode.ts"
import { keeps } from "../../agent/resolve/kept-stats.ts"

const TYPE = "type.googleapis.com/envoy.admin.v3.BootstrapConfigDump"

function keptBy(stats_matcher: object) {
  const dump = { configs: [{ "@type": TYPE, bootstrap: { stats_config: { stats_matcher } } }] }
  return decodeConfigDump(Buffer.from(JSON.stringify(dump))).stats?.kept
}

const NAME = "http.outbound_0.0.0.0_80;.downstream_rq_total"

it.each([
  [{ reject_all: true }, false],
  [{ reject_all: false }, true],
  [{ inclusion_list: { patterns: [{ prefix: "server" }] } }, false],
  [{ inclusion_list: { patterns: [{ prefix: "server" }, { suffix: "_total" }] } }, true],
  [{ inclusion_list: { patterns: [{ safe_regex: { regex: "http\\.outbound_.*" } }] } }, true],
  [{ inclusion_list: { patterns: [{ contains: "RQ", ignore_case: true }] } }, true],
  [{ exclusion_list: { patterns: [{ prefix: "http." }] } }, false],
  [{ exclusion_list: { patterns: [{ exact: "http." }] } }, true],
  [{ inclusion_list: { patterns: Array.from({ length: 60 }, () => ({ prefix: "x" })) } }, true],
])("%j keeps it: %s", (matcher, wanted) => {
  expect(keeps(keptBy(matcher), NAME)).toBe(wanted)
})

it("is open where a pattern is too much to read", () => {
  expect(keeps({ kind: "only", patterns: [{ regex: "(" }] }, NAME)).toBeUndefined()
  expect(keeps({ kind: "only", patterns: [{ regex: "(" }, { prefix: "http" }] }, NAME)).toBe(true)
})

it("reads the tags that stand on every series", () => {
  const stats_tags = [
    { tag_name: "consul.source.datacenter", fixed_value: "dc1" },
    { tag_name: "x", regex: "y" },
  ]
  const dump = { configs: [{ "@type": TYPE, bootstrap: { stats_config: { stats_tags } } }] }
  expect(decodeConfigDump(Buffer.from(JSON.stringify(dump))).stats).toEqual({
    fixed: { "consul.source.datacenter": "dc1" },
  })
})
