import { readdirSync, readFileSync, writeFileSync } from "node:fs"
import { dirname, join, posix } from "node:path"

/** Top folders of the product. What is not listed (demo, bench, test, scripts) may import anything and is not drawn. */
const PRODUCT = ["mesh", "kubernetes", "agent", "collector", "cli", "dashboards"]

/** folder -> folder that it imports -> one import that shows it, as `file: specifier`. Sorted by name. */
export type Picture = Map<string, Map<string, string>>

/** Every way that one module names another: static, re-export, for its effect, dynamic, as a worker. */
const SPECIFIERS = [
  /^(?:import|export)\b[^"';]*?\bfrom\s+"([^"]+)"/gm,
  /^import\s+"([^"]+)"/gm,
  /\bimport\(\s*"([^"]+)"/g,
  /\bnew URL\(\s*"([^"]+\.ts)"/g,
]

const BLOCK = /^```imports\n([\s\S]*?)^```/m

/** What a module's text imports, as it is written there. */
export function specifiers(text: string): string[] {
  return SPECIFIERS.flatMap((pattern) => [...text.matchAll(pattern)].map((match) => match[1] ?? ""))
}

/** The folder that a file of ours counts to: two levels below agent and collector, one elsewhere. */
export function folderOf(file: string): string {
  const parts = dirname(file).split("/")
  return parts.slice(0, parts[0] === "agent" || parts[0] === "collector" ? 2 : 1).join("/")
}

/** The file of ours that a specifier names, or undefined for a package. */
function target(file: string, specifier: string): string | undefined {
  if (/^#(?:mesh|kubernetes)\//.test(specifier)) return specifier.slice(1)
  return specifier.startsWith(".") ? posix.join(dirname(file), specifier) : undefined
}

/** The picture of a checkout, from what its files import. */
export function importPicture(root: string): Picture {
  const picture: Picture = new Map()
  for (const file of productFiles(root)) {
    const from = folderOf(file)
    const drawn = picture.get(from) ?? new Map<string, string>()
    picture.set(from, drawn)
    for (const specifier of specifiers(readFileSync(join(root, file), "utf8"))) {
      const named = target(file, specifier)
      const to = named === undefined ? from : folderOf(named)
      if (to !== from && !drawn.has(to)) drawn.set(to, `${file}: ${specifier}`)
    }
  }
  return picture
}

function productFiles(root: string): string[] {
  const present = new Set(readdirSync(root))
  return PRODUCT.filter((top) => present.has(top)).flatMap((top) =>
    readdirSync(join(root, top), { recursive: true, encoding: "utf8" })
      .filter((path) => /\.tsx?$/.test(path))
      .map((path) => `${top}/${path}`)
      .toSorted(),
  )
}

/** The drawn picture: lines `folder -> folder folder` of the block that begins with ```imports. */
export function drawnPicture(page: string): Map<string, string[]> {
  const block = BLOCK.exec(page)?.[1]
  if (block === undefined) throw new Error("The page has no block that begins with ```imports.")
  const rows = block.trim().split("\n")
  return new Map(
    rows.map((row) => {
      const [from = "", to = ""] = row.split("->")
      return [from.trim(), to.split(" ").filter((word) => word !== "")]
    }),
  )
}

/** What to change so that picture and code agree; empty when they do. */
export function differences(code: Picture, drawn: ReadonlyMap<string, string[]>): string[] {
  const missing = [...code].flatMap(([from, imports]) => {
    if (!drawn.has(from)) return [`${from} is not in the picture: add the line "${line(from, imports)}"`]
    return [...imports]
      .filter(([to]) => !drawn.get(from)?.includes(to))
      .map(([to, proof]) => `${from} imports ${to} (${proof}): remove the import, or add it to the picture`)
  })
  const surplus = [...drawn].flatMap(([from, imports]) => {
    const real = code.get(from)
    if (!real) return [`the picture has ${from}, and no such folder has code: remove the line`]
    return imports
      .filter((to) => !real.has(to))
      .map(
        (to) => `the picture says that ${from} imports ${to}, and no file does: remove ${to} from the line`,
      )
  })
  return [...missing, ...surplus]
}

const line = (from: string, imports: ReadonlyMap<string, string>): string =>
  `${from.padEnd(20)} -> ${[...imports.keys()].toSorted().join(" ")}`.trimEnd()

/** The block as docs/architecture.md holds it. */
export const draw = (picture: Picture): string =>
  [...picture.keys()]
    .toSorted()
    .map((from) => line(from, picture.get(from) ?? new Map()))
    .join("\n")

if (import.meta.main) {
  const block = draw(importPicture("."))
  const page = "docs/architecture.md"
  if (!process.argv.includes("--write")) process.stdout.write(`${block}\n`)
  else
    writeFileSync(
      page,
      readFileSync(page, "utf8").replace(BLOCK, () => `\`\`\`imports\n${block}\n\`\`\``),
    )
}
