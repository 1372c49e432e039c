import { readFile } from "node:fs/promises"
import type { AgentProcess } from "../rig/agent-process.ts"
import { type Json, text } from "./lines.ts"

/** What an agent's log said of one target, in turn: the reason where it told one, else its words. */
export async function toldOf(agent: AgentProcess, target: RegExp): Promise<readonly string[]> {
  const log = await readFile(agent.logFile, "utf8")
  return log
    .split("\n")
    .filter((line) => line.startsWith("{") && line.endsWith("}"))
    .map((line) => JSON.parse(line) as Json)
    .filter((line) => target.test(text(line["target"])))
    .map((line) => text(line["why"]) || text(line["message"]))
}
