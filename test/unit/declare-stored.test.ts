import { describe, expect, it } from "vitest"
import { loadModel } from "../../mesh/declare/load.ts"
import { mergeModels, mergeParsed } from "../../mesh/declare/merge.ts"
import { snapshotOf } from "../../mesh/declare/stored/snapshot.ts"
import { failure, fixture, modelOf, NODE, object } from "../fixtures/declare/objects.ts"

const MESH = `  Mesh: { Type: AWS::AppMesh::Mesh, Properties: { MeshName: m } }
  Registry: { Type: AWS::ServiceDiscovery::Service, Properties: { Name: !Sub "\${A}-registry" } }
`

/** A template with one virtual service, whose name is made by a function. */
function template(name: string, more = ""): { file: string; text: string } {
  const service = `  S:\n    Type: AWS::AppMesh::VirtualService\n    Properties:\n      MeshName: m\n      VirtualServiceName: ${name}\n      Spec: {}\n`
  return { file: "t.yaml", text: `${more}Resources:\n${MESH}${service}` }
}

const PARAMETERS =
  "Parameters:\n  A: { Type: String, Default: a }\n  L: { Type: CommaDelimitedList, Default: 'x, y' }\n  B: { Type: String }\n"
const CONDITIONS = `${PARAMETERS}Conditions:
  Yes: !Equals [!Ref A, a]
  No: !Not [!Condition Yes]
  Both: !And [!Condition Yes, !Condition No]
  One: !Or [!Condition Yes, !Condition No]
Mappings:
  Map: { key: { inner: mapped } }
`

it("conditions that are made of themselves, or of one another many times, are worked out once", () => {
  const doubled = Array.from({ length: 60 }, (_, at) => {
    const next = `{ Condition: C${at + 1} }`
    return `  C${at}: { "Fn::And": [${next}, ${next}] }\n`
  }).join("")
  const own = '  C60: { "Fn::And": [{ Condition: C0 }, { Condition: C60 }, { Condition: C60 }] }\n'
  const { model } = loadModel([template("!If [C0, y, n]", `Conditions:\n${doubled}${own}`)])
  expect(model.meshes[0]?.virtualServices[0]?.name).toBe("y")
})

describe("functions of a template", () => {
  it.each([
    ["!Ref A", "a"],
    ["{ Ref: A }", "a"],
    ["!Sub '${A}.local'", "a.local"],
    ["!Sub '${!A}.local'", "${A}.local"],
    ["!Sub ['${A}.${C}', { C: !Ref A }]", "a.a"],
    ["!Sub '${Mesh.MeshName}.local'", "m.local"],
    ["!Join ['-', [a, !Ref A]]", "a-a"],
    ["!Select [1, !Ref L]", "y"],
    ["!Select [0, [p, q]]", "p"],
    ["!FindInMap [Map, key, inner]", "mapped"],
    ["!If [Yes, y, n]", "y"],
    ["!If [No, y, n]", "n"],
    ["!If [Both, y, n]", "n"],
    ["!If [One, y, n]", "y"],
    ["!GetAtt Mesh.MeshName", "m"],
    ["!GetAtt [Mesh, MeshName]", "m"],
    ["!GetAtt Registry.Name", "a-registry"],
  ])("%s is %s", (written, name) => {
    const { model, notes } = loadModel([template(written, CONDITIONS)])
    expect(notes).toEqual([])
    expect(model.meshes[0]?.virtualServices[0]?.name).toBe(name)
  })

  it.each([
    ["!Ref B", "${B}", "B cannot be told"],
    ["!Sub '${AWS::StackName}.x'", "${AWS::StackName}.x", "AWS::StackName cannot be told"],
    ["!ImportValue other", "${Fn::ImportValue}", "Fn::ImportValue cannot be told"],
    ["!FindInMap [Map, gone, inner]", "${FindInMap Map.gone.inner}", "cannot be told"],
    ["!GetAtt S.VirtualServiceName", "${S.VirtualServiceName}", "S.VirtualServiceName cannot be told"],
    ["!GetAtt Nothing.Arn", "${Nothing.Arn}", "Nothing.Arn cannot be told"],
  ])("%s stands as it is, with a note", (written, name, note) => {
    const { model, notes } = loadModel([template(written, CONDITIONS)])
    expect(model.meshes[0]?.virtualServices[0]?.name).toBe(name)
    expect(notes[0]).toContain(note)
    expect(notes[0]).toContain("t.yaml:")
  })

  it("take values of parameters from a file beside it", () => {
    const values = { file: "p.json", text: `[{ "ParameterKey": "B", "ParameterValue": "given" }]` }
    expect(
      loadModel([template("!Ref B", PARAMETERS), values]).model.meshes[0]?.virtualServices[0]?.name,
    ).toBe("given")
  })

  it("take what a parameter was worked out to be, where a stack tells it", () => {
    const value = { ParameterKey: "B", ParameterValue: "/ssm/name", ResolvedValue: "worked-out" }
    const values = { file: "p.json", text: JSON.stringify([value]) }
    expect(
      loadModel([template("!Ref B", PARAMETERS), values]).model.meshes[0]?.virtualServices[0]?.name,
    ).toBe("worked-out")
  })

  it("name file, line and field of what is wrong", () => {
    const text = `Resources:\n  N:\n    Type: AWS::AppMesh::VirtualNode\n    Properties:\n      MeshName: m\n      VirtualNodeName: n\n      Spec: { Listeners: [{ PortMapping: { Port: many, Protocol: http } }] }\n`
    const error = failure(() => loadModel([{ file: "t.yaml", text }]))
    expect(error.code).toBe("MODEL_INVALID")
    expect(error.message).toMatch(
      /^t\.yaml:\d+:\d+: document 1: Resources\.N\.Properties\.spec\.listeners\[0\]\.portMapping\.port: must be a whole number/,
    )
  })

  it("are refused when aliases multiply without end", () => {
    const text = `a: &a [!Ref A]\nb: &b [${"*a,".repeat(50)}]\nc: &c [${"*b,".repeat(50)}]\nd: &d [${"*c,".repeat(50)}]\ne: [${"*d,".repeat(50)}]\nResources: { X: { Type: "AWS::S3::Bucket" } }\n`
    expect(failure(() => loadModel([{ file: "t.yaml", text }])).message).toContain(
      "aliases cannot be unfolded",
    )
  })
})

describe("Terraform", () => {
  it("tells the same by its state and by what it prints of it", () => {
    const state = JSON.parse(fixture("shop-terraform.tfstate").text)
    const shown = state.resources.flatMap(
      (resource: { mode: string; type: string; instances: { attributes: object }[] }) =>
        resource.instances.map(({ attributes }) => ({
          mode: resource.mode,
          type: resource.type,
          values: attributes,
        })),
    )
    const root = {
      resources: shown.slice(0, 4),
      child_modules: [{ address: "module.a", resources: shown.slice(4) }],
    }
    const text = JSON.stringify({
      format_version: "1.0",
      terraform_version: "1.9.5",
      values: { root_module: root },
    })
    expect(loadModel([{ file: "show.json", text }])).toEqual(loadModel([fixture("shop-terraform.tfstate")]))
  })

  it("names file, line and field of what is wrong", () => {
    const attributes = {
      name: "n",
      mesh_name: "m",
      spec: [{ listener: [{ port_mapping: [{ port: 80, protocol: "smtp" }] }] }],
    }
    const resources = [
      { mode: "managed", type: "aws_appmesh_virtual_node", name: "n", instances: [{ attributes }] },
    ]
    const text = JSON.stringify({ version: 4, terraform_version: "1", resources }, null, 1)
    expect(failure(() => loadModel([{ file: "s.tfstate", text }])).message).toMatch(
      /^s\.tfstate:\d+:\d+: document 1: resources\[0\]\.instances\[0\]\.attributes\.spec\.listeners\[0\]\.portMapping\.protocol: must be one of/,
    )
  })
})

describe("a snapshot", () => {
  it.each([
    [["appmesh-workshop.json"]],
    [["shop-cloudformation.yaml"]],
    [["shop-terraform.tfstate", "appmesh-workshop.json"]],
  ])("of %j reads back to the same, and is the same made of itself", (names) => {
    const files = names.map(fixture)
    const { text, model } = snapshotOf(files)
    expect(loadModel([{ file: "snapshot.json", text }])).toEqual({ model: loadModel(files).model, notes: [] })
    expect(snapshotOf([{ file: "snapshot.json", text }])).toEqual({ text, model, notes: [] })
  })

  it("says what was listed and not described, and that a list goes on", () => {
    const listed = `{ "virtualNodes": [{ "meshName": "m", "virtualNodeName": "a" }, { "meshName": "m", "virtualNodeName": "b" }], "nextToken": "x" }`
    const described = `{ "virtualNode": { "meshName": "m", "virtualNodeName": "a", "spec": {} } }`
    for (const text of [listed + described, described + listed]) {
      const { notes, model } = snapshotOf([{ file: "s.json", text }])
      expect(model.meshes[0]?.virtualNodes.map(({ name }) => name)).toEqual(["a"])
      expect(notes).toHaveLength(2)
      expect(notes).toContainEqual("virtualNode b of mesh m is listed, but no answer describes it")
      expect(notes).toContainEqual(expect.stringContaining("nextToken: the list goes on in another answer"))
    }
  })

  it("is not made of Kubernetes objects", () => {
    expect(failure(() => snapshotOf([fixture("yelb.yaml")])).message).toContain(
      "Kubernetes objects are read as they are",
    )
  })
})

describe("a file of no known form", () => {
  it.each(["foo: bar", "{}", `{ "foo": 1 }`, "just words"])("%s is refused", (text) => {
    expect(failure(() => loadModel([{ file: "f", text }])).message).toMatch(
      /^f:1:1: document 1: declares no mesh/,
    )
  })
})

function answers(protocol: string): { file: string; text: string } {
  return {
    file: "snapshot.json",
    text: JSON.stringify({
      virtualNodes: [
        {
          meshName: "m",
          virtualNodeName: "n",
          spec: { listeners: [{ portMapping: { port: 80, protocol } }] },
        },
      ],
      virtualServices: [{ meshName: "m", virtualServiceName: "only-there", spec: {} }],
    }),
  }
}

describe("the same mesh in two sources", () => {
  const kube = modelOf(
    object("VirtualNode", "n", { ...NODE, awsName: "n", podSelector: { matchLabels: { app: "n" } } }),
    object("VirtualService", "s", { awsName: "s" }),
  )
  it("counts once what both tell alike; native object, labels and pods are the first one's", () => {
    const stored = loadModel([answers("http")])
    const { model, notes } = mergeParsed([kube, stored])
    expect(notes).toEqual([])
    expect(model.meshes[0]?.virtualServices.map(({ name }) => name)).toEqual(["s", "only-there"])
    expect(model.meshes[0]?.virtualNodes).toEqual(kube.model.meshes[0]?.virtualNodes)
    expect(mergeModels([kube.model, stored.model])).toEqual(model)
    expect(mergeModels([stored.model, kube.model]).meshes[0]?.virtualNodes).toEqual(
      stored.model.meshes[0]?.virtualNodes,
    )
  })

  it("with two different words: refused where it is strict, else the first source's, with a note", () => {
    const stored = loadModel([answers("tcp")])
    expect(failure(() => mergeModels([kube.model, stored.model])).message).toContain("mesh m: virtual node n")
    for (const [first, second] of [
      [kube, stored],
      [stored, kube],
    ] as const) {
      const { model, notes } = mergeParsed([first, second])
      expect(model.meshes[0]?.virtualNodes).toEqual(first.model.meshes[0]?.virtualNodes)
      expect(notes).toEqual([
        "mesh m: virtual node n: the sources contradict each other (two different declarations)",
      ])
    }
  })

  it("never joins meshes of two makers", () => {
    const istio = {
      meshes: kube.model.meshes.map((mesh) => Object.assign({}, mesh, { flavor: "istio" as const })),
    }
    expect(failure(() => mergeModels([kube.model, istio])).message).toContain("flavor app-mesh and istio")
    expect(mergeParsed([kube, { model: istio, notes: [] }]).model).toEqual(kube.model)
  })

  it("allows all where one source allows all", () => {
    const open = loadModel([
      {
        file: "m.json",
        text: `{ "mesh": { "meshName": "m", "spec": { "egressFilter": { "type": "ALLOW_ALL" } } } }`,
      },
    ])
    for (const models of [
      [kube.model, open.model],
      [open.model, kube.model],
    ])
      expect(mergeModels(models).meshes[0]?.egress).toBe("ALLOW_ALL")
  })
})
