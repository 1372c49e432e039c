import { readFile } from "node:fs/promises"
import { isBuiltin } from "node:module"
import type { Plugin } from "esbuild"

/** Modules of Node that are loaded when something of them is first used, and not when they are imported. */
const LATE = /^(?:node:)?(?:https?|cluster|worker_threads)$/

/**
 * How Node's own modules are loaded. Taken as an ES module, one has all its getters read, and those load more: of
 * `node:http` Node's whole `fetch`, of `node:util` worker threads, of `node:crypto` web crypto. So only the names that
 * are used are read, and `LATE` modules only when they are used: `node:https` brings TLS, which most agents never
 * speak. Together about 12 MB of memory (bench/idle.ts).
 */
export const leanBuiltins: Plugin = {
  name: "lean-builtins",
  setup(bundling) {
    bundling.onResolve({ filter: /./ }, ({ path, kind }) => {
      if (!isBuiltin(path)) return undefined
      if (LATE.test(path)) return { path, namespace: "late" }
      return { path, namespace: kind === "import-statement" ? "used-names" : "whole" }
    })
    bundling.onLoad({ filter: /./, namespace: "late" }, async ({ path }) => {
      const getters = (await namesOf(path)).map((name) => `get ${name}() { return ${builtin(path)}.${name} }`)
      return { contents: `module.exports = { ${getters.join(", ")} }` }
    })
    bundling.onLoad({ filter: /./, namespace: "used-names" }, async ({ path }) => {
      // What is pure and unused is left out
      const names = (await namesOf(path)).map(
        (name) => `export const ${name} = /* @__PURE__ */ (() => whole.${name})()`,
      )
      return { contents: [`const whole = ${builtin(path)}`, ...names, "export default whole"].join("\n") }
    })
    bundling.onLoad({ filter: /./, namespace: "whole" }, ({ path }) => ({
      contents: `module.exports = ${builtin(path)}`,
    }))
  },
}

function builtin(path: string): string {
  return `process.getBuiltinModule(${JSON.stringify(path)})`
}

async function namesOf(path: string): Promise<string[]> {
  return Object.keys(await import(path)).filter((name) => name !== "default" && /^[\w$]+$/.test(name))
}

const OPENAPI = /\/node_modules\/@(?:hono|asteasolutions)\/zod-/

/**
 * Gives the collector's API a copy of zod of its own. Its library keeps all of zod, languages included; in one copy that
 * all parts share, an agent would load that too: 8 MB of memory.
 */
export const zodOfItsOwn: Plugin = {
  name: "zod-of-its-own",
  setup(bundling) {
    bundling.onResolve(
      { filter: /^(?:zod$|zod\/|\.)/ },
      async ({ path, kind, importer, resolveDir, pluginData }) => {
        if (
          pluginData === "found" ||
          (pluginData !== "copy" && !(OPENAPI.test(importer) && path.startsWith("zod")))
        )
          return undefined
        const { path: file, errors } = await bundling.resolve(path, {
          kind,
          importer,
          resolveDir,
          pluginData: "found",
        })
        return { path: file, errors, suffix: "?copy" }
      },
    )
    bundling.onLoad({ filter: /\/node_modules\/zod\// }, async ({ path, suffix }) =>
      suffix === "?copy" ? { contents: await readFile(path), pluginData: "copy" } : undefined,
    )
  },
}
