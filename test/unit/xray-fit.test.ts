import { describe, expect, test } from "vitest"
import { fitted } from "../../agent/publish/xray/fit.ts"
import { ENVOY } from "../fixtures/spans/envoy-document.ts"

const parse = (bytes: Buffer) => JSON.parse(bytes.toString()) as Record<string, unknown>
const child = (index: number, bytes: number, more: object = {}) => ({
  id: index.toString(16).padStart(16, "0"),
  name: `s${index}`,
  metadata: { text: "x".repeat(bytes) },
  ...more,
})

describe("documents above 64 KB", () => {
  const trace = "1-5759e988-bd862e3fe1be46a994272793"

  test("send subsegments that have no room by themselves", () => {
    const subsegments = [child(1, 30_000), child(2, 40_000), child(3, 30_000), child(4, 100)]
    const { documents, refused } = fitted({ ...ENVOY, subsegments }, trace)
    expect(refused).toEqual([])
    // 64 KB: of which kind is not documented, so the smaller one.
    expect(documents.every(({ length }) => length <= 64_000)).toBe(true)
    const [own, apart] = documents.map(parse)
    expect(own).toEqual({ ...ENVOY, subsegments: [subsegments[0], subsegments[2], subsegments[3]] })
    expect(apart).toEqual({ ...subsegments[1], type: "subsegment", trace_id: trace, parent_id: ENVOY.id })
  })

  test("are those above 64,000 bytes", () => {
    const { documents } = fitted({ ...ENVOY, subsegments: [child(1, 31_500), child(2, 33_000)] }, trace)
    expect(documents).toHaveLength(2)
  })

  test("also of subsegments that are too long themselves", () => {
    const deep = child(1, 40_000, { subsegments: [child(2, 40_000)] })
    const { documents } = fitted({ ...ENVOY, subsegments: [deep] }, trace)
    expect(documents.map(parse).map(({ id, parent_id }) => [id, parent_id])).toEqual([
      [ENVOY.id, undefined],
      ["0000000000000001", ENVOY.id],
      ["0000000000000002", "0000000000000001"],
    ])
  })

  test("leave out metadata, then annotations, with a mark", () => {
    const { documents } = fitted({ ...ENVOY, metadata: { big: "x".repeat(70_000) } }, trace)
    expect(documents.map(parse)).toEqual([{ ...ENVOY, metadata: { meshscope: { cut: ["metadata"] } } }])
    const annotations = { mesh: "yelb", big: "x".repeat(70_000) }
    expect(fitted({ ...ENVOY, annotations }, trace).documents.map(parse)).toEqual([
      {
        ...ENVOY,
        annotations: { mesh: "yelb" },
        metadata: { meshscope: { cut: ["metadata", "annotations"] } },
      },
    ])
  })

  test("are refused when all that does not help", () => {
    const cause = { exceptions: [{ id: "1", message: "x".repeat(70_000) }] }
    expect(fitted({ ...ENVOY, cause }, trace)).toEqual({ documents: [], refused: ["too_large"] })
  })

  test("count a subsegment without id, which cannot stand alone", () => {
    const subsegments = [child(1, 60_000), { name: "none", metadata: "x".repeat(30_000) }, "x".repeat(10_000)]
    expect(fitted({ ...ENVOY, subsegments }, trace)).toMatchObject({ refused: ["no_id", "no_id"] })
  })
})
