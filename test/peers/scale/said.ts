import { readFile } from "node:fs/promises"
import type { LogLine } from "../../live/robust/command.ts"

/** Warnings and errors of a log so far. */
export async function complaints(file: string): Promise<readonly LogLine[]> {
  const lines = (await readFile(file, "utf8")).split("\n").filter((line) => line.startsWith("{"))
  return lines
    .map((line): LogLine => JSON.parse(line))
    .filter(({ level }) => level === "warn" || level === "error")
}

/** How often a log says this. */
export async function timesSaid(file: string, words: string): Promise<number> {
  return (await readFile(file, "utf8")).split(words).length - 1
}
