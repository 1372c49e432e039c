import { mkdirSync, readFileSync, renameSync, symlinkSync, writeFileSync } from "node:fs"
import { join } from "node:path"
import { expect, onTestFinished, test } from "vitest"
import { systemClock } from "#mesh/clock.ts"
import type { ParsedModel } from "#mesh/declare/parsed.ts"
import { joinedModel } from "#mesh/joined-model.ts"
import { modelFiles, readModelFiles } from "#mesh/model-files.ts"
import type { ModelSource } from "#mesh/model-source.ts"
import { keepingModel, keptModel } from "../../agent/model-cache.ts"
import { declaredFixture } from "../fixtures/config-dump/resolving.ts"
import { temporaryFolder } from "../fixtures/ledger/folder.ts"

const YELB = readFileSync(new URL("../fixtures/declare/yelb.yaml", import.meta.url), "utf8")
const { mesh } = declaredFixture("yelb.yaml")
const OTHER = YELB.replaceAll("weight: 1", "weight: 3")

function running(source: ModelSource): ParsedModel[] {
  const models: ParsedModel[] = []
  const ending = new AbortController()
  const done = source.run((model) => models.push(model), ending.signal)
  onTestFinished(async () => {
    ending.abort()
    await done
  })
  return models
}

function following(file: string) {
  const problems: (string | undefined)[] = []
  const report = (problem: Error | undefined): void => void problems.push(problem?.message)
  return {
    problems,
    models: running(modelFiles({ files: [file], interval: 20, istio: {} }, { clock: systemClock, report })),
  }
}

test("a file that is written anew tells another model; a broken one changes nothing until it is mended", async () => {
  const file = join(temporaryFolder(), "mesh.yaml")
  writeFileSync(file, YELB)
  const { models, problems } = following(file)
  await expect.poll(() => models).toEqual([await readModelFiles([file])])
  writeFileSync(file, `${YELB}\n---\nkind: VirtualNode\napiVersion: appmesh.k8s.aws/v1beta2\n`)
  await expect.poll(() => problems.at(-1)).toMatch(/mesh\.yaml.*metadata/s)
  expect(models).toHaveLength(1)
  writeFileSync(file, `${YELB}\n`)
  await expect.poll(() => problems.at(-1)).toBeUndefined()
})

test("a ConfigMap's files are swapped by a symbolic link", async () => {
  const folder = temporaryFolder()
  for (const [name, text] of [
    ["..one", YELB],
    ["..two", OTHER],
  ] as const) {
    mkdirSync(join(folder, name))
    writeFileSync(join(folder, name, "mesh.yaml"), text)
  }
  symlinkSync("..one", join(folder, "..data"))
  symlinkSync("..data/mesh.yaml", join(folder, "mesh.yaml"))
  const { models } = following(join(folder, "mesh.yaml"))
  await expect.poll(() => models).toHaveLength(1)
  symlinkSync("..two", join(folder, "..data_tmp"))
  renameSync(join(folder, "..data_tmp"), join(folder, "..data"))
  await expect.poll(() => models).toHaveLength(2)
  expect(JSON.stringify(models[1])).toContain('"weight":3')
})

test("a file that is away is a problem, and the model stays", async () => {
  const file = join(temporaryFolder(), "mesh.yaml")
  writeFileSync(file, YELB)
  const { models, problems } = following(file)
  await expect.poll(() => models).toHaveLength(1)
  renameSync(file, `${file}.away`)
  await expect.poll(() => problems.at(-1)).toContain("it does not exist")
  renameSync(`${file}.away`, file)
  await expect.poll(() => problems.at(-1)).toBeUndefined()
  expect(models.length).toBeLessThanOrEqual(2)
})

/** A source that tells what the test hands it. */
function told(): ModelSource & { tell(model: ParsedModel): void } {
  let emit: ((model: ParsedModel) => void) | undefined
  return {
    tell: (model) => emit?.(model),
    run: (to, signal) => {
      emit = to
      return new Promise((resolve) => signal.addEventListener("abort", () => resolve(), { once: true }))
    },
  }
}

test("what two sources declare alike counts once; where they differ the first is believed, and that is noted", () => {
  const sources = [told(), told()]
  const models = running(joinedModel(sources, { whole: false }))
  sources[0]?.tell({ model: { meshes: [mesh] }, notes: ["one"] })
  sources[1]?.tell({ model: { meshes: [mesh] }, notes: ["one", "two"] })
  expect(models.map(({ model }) => model.meshes)).toEqual([[mesh], [mesh]])
  expect(models[1]?.notes).toEqual(["one", "two"])
  const [node, ...nodes] = mesh.virtualNodes
  const differs = {
    ...mesh,
    virtualNodes: [{ ...node, name: node?.name ?? "", listeners: [], backends: ["x"] }, ...nodes],
  }
  sources[1]?.tell({ model: { meshes: [differs] }, notes: [] })
  expect(models).toHaveLength(3)
  expect(models[2]?.model.meshes).toEqual([mesh])
  expect(models[2]?.notes.join()).toContain(node?.name)
})

test("a home tells nothing before all its sources told something, and nothing twice", () => {
  const sources = [told(), told()]
  const models = running(joinedModel(sources, { whole: true }))
  sources[0]?.tell({ model: { meshes: [mesh] }, notes: [] })
  expect(models).toEqual([])
  sources[1]?.tell({ model: { meshes: [] }, notes: [] })
  sources[1]?.tell({ model: { meshes: [] }, notes: [] })
  expect(models).toHaveLength(1)
})

test("what a source told is kept whole, and a damaged file is said and asked for again", async () => {
  const file = join(temporaryFolder(), "model", "collector.json")
  expect(await keptModel(file)).toBeUndefined()
  const source = told()
  const problems: (string | undefined)[] = []
  running(keepingModel(source, file, (problem) => problems.push(problem?.message)))
  for (let count = 0; count < 50; count++) source.tell({ model: { meshes: [mesh] }, notes: [String(count)] })
  await expect.poll(async () => (await keptModel(file))?.notes).toEqual(["49"])
  expect((await keptModel(file))?.model.meshes).toEqual([mesh])
  expect(new Set(problems)).toEqual(new Set([undefined]))
  writeFileSync(file, readFileSync(file, "utf8").slice(0, 100))
  await expect(keptModel(file)).rejects.toMatchObject({ code: "STATE_CORRUPT" })
})

test("a folder that cannot be written is said with what follows from it", async () => {
  const folder = temporaryFolder()
  writeFileSync(join(folder, "model"), "a file in its place")
  const source = told()
  const problems: (string | undefined)[] = []
  running(keepingModel(source, join(folder, "model", "x.json"), (problem) => problems.push(problem?.message)))
  source.tell({ model: { meshes: [] }, notes: [] })
  await expect.poll(() => problems[0]).toContain("cannot be kept")
})
