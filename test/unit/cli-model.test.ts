import { copyFile, mkdir, mkdtemp, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, expect, test } from "vitest"
import { runProgram } from "../../cli/program.ts"
import { keptTerminal } from "./cli-terminal.ts"

const fixtures = new URL("../fixtures/declare/", import.meta.url).pathname

let folder = ""
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-model-"))
  await mkdir(join(folder, "saved/deep"), { recursive: true })
  await copyFile(join(fixtures, "appmesh-workshop.json"), join(folder, "saved/a.json"))
  await copyFile(join(fixtures, "shop-terraform.tfstate"), join(folder, "saved/deep/b.tfstate"))
  await writeFile(join(folder, "saved/notes.txt"), "no model")
  await mkdir(join(folder, "empty"))
})
afterAll(() => rm(folder, { recursive: true }))

async function run(...words: string[]) {
  const { terminal, written } = keptTerminal()
  return { exit: await runProgram(["model", ...words], terminal), ...written }
}

test("a folder's answers become one snapshot, which declares the same", async () => {
  const snapshot = await run("--snapshot", join(folder, "saved"))
  expect(snapshot.exit).toBe("ok")
  expect(snapshot.error).toBe(
    "2 meshes, 1 virtual gateway, 2 virtual services, 1 virtual router, 3 virtual nodes\n",
  )
  const file = join(folder, "snapshot.json")
  await writeFile(file, snapshot.out)
  expect(await run(file)).toEqual(await run(join(folder, "saved")))
  expect(JSON.parse(snapshot.out)).toMatchObject({
    snapshot: { version: 1 },
    meshes: [{ meshName: "appmesh-workshop" }, { meshName: "shop" }],
  })
})

test("what is declared is printed as a model document, what was passed over goes beside it", async () => {
  const { exit, out, error } = await run(join(fixtures, "mesh-1.yaml"))
  expect(exit).toBe("ok")
  expect(JSON.parse(out)).toMatchObject({ version: 1, model: { meshes: [{ flavor: "app-mesh" }] } })
  expect(error).toContain("note: 1 of kind Deployment passed over\n")
})

test.each([
  ["no such file", ["/nowhere/mesh.yaml"], "failed", "/nowhere/mesh.yaml"],
  ["a folder without files of a model", ["FOLDER/empty"], "usage", "No file there"],
  [
    "a snapshot of Kubernetes objects",
    ["--snapshot", join(fixtures, "yelb.yaml")],
    "refused",
    "Kubernetes objects are read as they are",
  ],
])("%s", async (_, words, exit, message) => {
  const answer = await run(...words.map((word) => word.replace("FOLDER", folder)))
  expect(answer).toMatchObject({ exit, out: "", error: expect.stringContaining(message) })
})
