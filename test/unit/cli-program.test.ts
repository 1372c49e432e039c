import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises"
import { tmpdir } from "node:os"
import { join } from "node:path"
import { afterAll, beforeAll, describe, expect, test } from "vitest"
import { EXIT } from "../../cli/command.ts"
import { COMMANDS, runProgram } from "../../cli/program.ts"
import { keptTerminal } from "./cli-terminal.ts"

let folder = ""
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "cli-"))
})
afterAll(() => rm(folder, { recursive: true }))

async function run(...words: string[]) {
  const { terminal, written } = keptTerminal()
  return { exit: await runProgram(words, terminal), ...written }
}
async function file(name: string, text: string): Promise<string> {
  const path = join(folder, name)
  await writeFile(path, text)
  return path
}

describe("help", () => {
  test("lists every command, in every way it is asked for", async () => {
    const { out, exit } = await run("--help")
    expect(exit).toBe("ok")
    for (const { name, summary } of COMMANDS)
      expect(out).toMatch(new RegExp(`^ {2}${name} +${escaped(summary)}$`, "m"))
    for (const words of [["-h"], ["help"]]) expect(await run(...words)).toMatchObject({ out, exit })
  })

  test("without a command goes to standard error and is a wrong use", async () => {
    expect(await run()).toMatchObject({ exit: "usage", out: "", error: expect.stringContaining("Commands:") })
  })

  test.each(COMMANDS)("on $name tells its flags, examples and exit codes", async (command) => {
    const { out, exit } = await run(command.name, "--help")
    expect(exit).toBe("ok")
    expect(out).toContain(`Usage: meshscope ${command.name}`)
    for (const { name } of command.options) expect(out).toContain(`--${name}`)
    for (const example of command.examples) expect(out).toContain(`  ${example}\n`)
    for (const { code } of Object.values(EXIT)) expect(out).toMatch(new RegExp(`^ {2}${code} `, "m"))
    expect(await run("help", command.name)).toMatchObject({ out })
    expect(await run(command.name, "-h", "--config")).toMatchObject({
      exit: expect.stringMatching(/ok|usage/),
    })
  })
})

test("the version is that of the package", async () => {
  const { version } = JSON.parse(await readFile(new URL("../../package.json", import.meta.url), "utf8"))
  for (const word of ["--version", "-V", "-v", "version"])
    expect(await run(word)).toEqual({ exit: "ok", out: `meshscope ${version}\n`, error: "" })
})

describe("a wrong command line is refused with the nearest name", () => {
  const rows: readonly [words: string, message: string][] = [
    ["rotes", '"rotes" is not a command; the nearest is "routes".'],
    ["help agnt", '"agnt" is not a command; the nearest is "agent".'],
    [
      "xyzzy-quux",
      '"xyzzy-quux" is not a command; the commands are agent, collector, check, config, model, once, doctor, bundle, routes, cost.',
    ],
    ["routes --windw 5m", '--windw is not a flag of "meshscope routes"; the nearest is --window.'],
    ["routes --zzzzzzzz", '--zzzzzzzz is not a flag of "meshscope routes"; see "meshscope routes --help".'],
    ["routes -x", '-x is not a flag of "meshscope routes"; see "meshscope routes --help".'],
    ["routes --window", "--window expects a value: --window WINDOW."],
    ["routes --window --json", "--window expects a value: --window WINDOW."],
    ["routes --window=", "--window expects a value: --window WINDOW."],
    ["routes --json=yes", "--json takes no value."],
    ["routes --window 7m", "--window expects one of 1m, 5m, 15m, 60m."],
    ["routes --collector ftp://x", "--collector expects a URL such as http://127.0.0.1:4318."],
    ["routes --watch --interval 1ms", "--interval expects a duration of at least 1s, such as 5s."],
    ["routes --interval 5s", "--interval goes with --watch."],
    [
      "agent agent.yaml",
      '"agent.yaml" is more than "meshscope agent" takes; a file is named by --config agent.yaml.',
    ],
    ["config --schema --docs", "--config, --schema and --docs are three different questions; ask one."],
    [
      "--config x",
      "--config stands where a command is expected; the commands are agent, collector, check, config, model, once, doctor, bundle, routes, cost.",
    ],
    ["routes extra", '"extra" is more than "meshscope routes" takes.'],
    ["check", '"meshscope check" expects at least one FILE.'],
    ["agent", '"meshscope agent" expects --config FILE.'],
    ["config", '"meshscope config" expects --config FILE.'],
    ["config --schema --kind agnt", '"agnt" is not a kind; expects one of agent, collector, targets.'],
  ]
  test.each(rows)("%s", async (words, message) => {
    expect(await run(...words.split(" "))).toEqual({ exit: "usage", out: "", error: `${message}\n` })
  })

  test("what was typed cannot act on the terminal", async () => {
    const { error } = await run("\u001B[2J\u009B2J")
    expect(error).toContain('"\\u001b[2J\\u009b2J" is not a command')
  })
})

describe("check", () => {
  test("tells what a configuration names", async () => {
    const config = await file(
      "agent.yaml",
      "discover: { static: { file: targets.yaml } }\nmodel: { files: [mesh.yaml] }\n",
    )
    await file("targets.yaml", 'targets: [{ name: a, admin: "127.0.0.1:1" }]')
    await file(
      "mesh.yaml",
      "apiVersion: appmesh.k8s.aws/v1beta2\nkind: Mesh\nmetadata: { name: yelb }\nspec: {}\n",
    )
    const { out, exit, error } = await run("check", config)
    expect(error).toBe("")
    expect(exit).toBe("ok")
    expect(out).toContain(
      `${config}: a valid configuration of an agent\n  ${folder}/targets.yaml: 1 target\n`,
    )
    expect(out).toContain("  1 model file: 1 mesh, 0 virtual gateways")
  })

  test("reads the model files of a collector as well", async () => {
    await file("broken.yaml", "kind: [")
    const config = await file("collector.yaml", "model: { files: [broken.yaml] }\nlisten: 127.0.0.1:4318\n")
    expect(await run("check", config)).toMatchObject({
      exit: "refused",
      error: expect.stringContaining("broken.yaml:1:"),
    })
  })

  test("warns of a configuration for pods that it cannot work here", async () => {
    const config = await file("pod.yaml", `agent: { state: ${folder} }\ndiscover: { kubernetes: {} }\n`)
    const { exit, error } = await run("check", config)
    expect(exit).toBe("ok")
    expect(error).toContain("discover.kubernetes cannot work here: ")
    expect(error).toContain("set NODE_NAME")
  })

  test("names problems of the configuration, the targets and the model, and ends with 3", async () => {
    const bad = await file("bad.yaml", "discover: { static: { targets: [] } }\nscrpe: {}\n")
    expect(await run("check", bad)).toEqual({
      exit: "refused",
      out: "",
      error: `${bad}:2:1: scrpe is not a known key; the nearest is "scrape"\n`,
    })
    const targets = await file("bad-targets.yaml", "targets:\n  - { name: a }\n")
    const names = await file("names.yaml", "discover: { static: { file: bad-targets.yaml } }\n")
    expect(await run("check", names)).toMatchObject({
      exit: "refused",
      error: expect.stringContaining(`${targets}:2:5: targets[0].admin is missing`),
    })
    expect(await run("check", targets)).toMatchObject({ exit: "refused" })
    await file("broken-model.yaml", "kind: [")
    const model = await file(
      "model.yaml",
      'discover: { static: { targets: [{ name: a, admin: "h:1" }] } }\nmodel: { files: [broken-model.yaml] }\n',
    )
    expect(await run("check", model)).toMatchObject({
      exit: "refused",
      error: expect.stringContaining("broken-model.yaml"),
    })
  })

  test.each([
    ["yelb.yaml", "1 mesh, 1 virtual gateway, 4 virtual services, 1 virtual router, 5 virtual nodes"],
    [
      "appmesh-workshop.json",
      "1 mesh, 0 virtual gateways, 1 virtual service, 0 virtual routers, 1 virtual node",
    ],
  ])("tells that %s is a model file, and what it declares", async (name, counts) => {
    const path = new URL(`../fixtures/declare/${name}`, import.meta.url).pathname
    const { exit, out, error } = await run("check", path)
    expect({ exit, error }).toEqual({ exit: "ok", error: "" })
    expect(out).toBe(`${path}: a valid model file, which declares a mesh\n  ${counts}\n`)
  })

  test("a wrong model file, and a configuration of two documents, are refused in plain words", async () => {
    const model = await file("wrong-model.yaml", "apiVersion: v1\n---\nkind: Mesh\n")
    expect(await run("check", model)).toMatchObject({
      exit: "refused",
      error: `${model}:1:1: document 1: kind: is missing\n`,
    })
    const two = await file("two.yaml", "store: {}\n---\nlog: {}\n")
    expect(await run("check", two)).toMatchObject({
      exit: "refused",
      error: `${two}:2:1: expects one document; "---" begins another\n`,
    })
  })

  test("goes on after a wrong file, and tells a missing one apart", async () => {
    const good = await file("good.yaml", 'targets: [{ name: a, admin: "h:1" }]')
    const bad = await file("bad2.yaml", "discover: 1")
    expect(await run("check", bad, good)).toMatchObject({
      exit: "refused",
      out: `${good}: a valid targets file\n  1 target\n`,
    })
    const gone = join(folder, "gone.yaml")
    expect(await run("check", gone)).toMatchObject({
      exit: "failed",
      error: `The file ${gone} cannot be read: it does not exist.\n`,
    })
  })

  test("tells everything at once: variables, missing files, a targets file and a model file that are wrong", async () => {
    const targets = await file("all-targets.yaml", "targets:\n  - { name: a }\n")
    const model = await file("all-model.yaml", "apiVersion: v1\n")
    const config = await file(
      "all.yaml",
      [
        "agent: { id: '${NOT_SET}' }",
        "scrape: { intervall: 5s, interval: soon }",
        "model: { files: [gone.yaml, all-model.yaml, other-gone.yaml, .] }",
        "discover: { static: { file: all-targets.yaml } }",
        "",
      ].join("\n"),
    )
    const { exit, out, error } = await run("check", join(folder, "nowhere.yaml"), config)
    expect({ exit, out }).toEqual({ exit: "refused", out: "" })
    expect(error.trimEnd().split("\n")).toEqual([
      `The file ${folder}/nowhere.yaml cannot be read: it does not exist.`,
      `${config}:1:14: agent.id needs the environment variable NOT_SET, which is not set; set it, or write \${NOT_SET:-default}`,
      `${config}:2:11: scrape.intervall is not a known key; the nearest is "interval"`,
      `${config}:2:36: scrape.interval expects a duration such as 500ms, 15s, 5m or 1h30m, not "soon"`,
      `${config}:3:18: model.files[0] names ${folder}/gone.yaml, which cannot be read: it does not exist`,
      `${config}:3:45: model.files[2] names ${folder}/other-gone.yaml, which cannot be read: it does not exist`,
      `${config}:3:62: model.files[3] names ${folder}, which cannot be read: it is a folder, not a file`,
      `${targets}:2:5: targets[0].admin is missing; expects host:port, [::1]:9901 or unix:/absolute/path (107 bytes at most)`,
      `${model}:1:1: document 1: kind: is missing`,
    ])
  })

  test("a file without a key that tells its kind is read as an agent's, and that is said", async () => {
    const empty = await file("empty.yaml", "# nothing yet\n")
    expect(await run("check", empty)).toEqual({
      exit: "refused",
      out: "",
      error: `${empty}:1:1: discover is missing; expects a mapping\n${empty} has no key that tells its kind, so it was read as an agent's; --kind says otherwise.\n`,
    })
    expect(await run("check", "--kind", "collector", empty)).toMatchObject({ exit: "ok", error: "" })
  })

  test("a file of another program is told in one sentence", async () => {
    const other = await file("package.json", JSON.stringify({ name: "shop", scripts: {}, license: "MIT" }))
    const { exit, error } = await run("check", other)
    expect(exit).toBe("refused")
    expect(error.trimEnd().split("\n")).toEqual([
      expect.stringContaining("none of its keys is one of an agent"),
    ])
  })

  test("names of a file cannot act on the terminal", async () => {
    const path = await file(
      "esc.yaml",
      `discover: { static: { targets: [{ name: "\\e[2J", admin: "\\e[2J" }] } }`,
    )
    const { error } = await run("check", path)
    expect(error).toContain("\\u001b[2J")
    expect(error).not.toContain("\u001B")
  })
})

describe("agent and once", () => {
  test("refuse a wrong configuration before anything starts", async () => {
    const bad = await file("bad3.yaml", "discover: 1")
    for (const command of ["agent", "once"])
      expect(await run(command, "--config", bad)).toEqual({
        exit: "refused",
        out: "",
        error: `${bad}:1:11: discover expects a mapping, not 1\n`,
      })
    expect(await run("agent", "-c", join(folder, "gone"))).toMatchObject({ exit: "failed" })
  })
})

function escaped(text: string): string {
  return text.replace(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)
}
