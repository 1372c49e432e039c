import { constants } from "node:fs"
import { access } from "node:fs/promises"
import type { Check } from "#mesh/doctor-report.ts"
import type { OnceProxy } from "#mesh/once-report.ts"
import { fileReason } from "#mesh/system-reason.ts"

/** Files that are named by themselves; more of the same kind are a number. */
const MOST_NAMED = 20

/** Whether the log files that discovery found may be read as this user. */
export async function checkLogFiles(proxies: readonly OnceProxy[]): Promise<readonly Check[]> {
  const files = proxies.flatMap(({ proxy, logs }) => logs.map((file) => ({ name: proxy, file })))
  if (files.length === 0) return []
  const troubles: { readonly name: string; readonly file: string; readonly why: string }[] = []
  for (const { name, file } of files) {
    const why = await unreadable(file)
    if (why !== undefined) troubles.push({ name, file, why })
  }
  const read = files.length - troubles.length
  const well: Check = {
    area: "logs",
    subject: "log files",
    state: "ok",
    sentence: `${read} of ${files.length} log files can be read.`,
    todo: "",
  }
  const named = troubles.slice(0, MOST_NAMED).map(({ name, file, why }): Check => {
    const sentence = `${file} cannot be read: ${why}.`
    return { area: "logs", subject: name, state: "missing", sentence, todo: ADVICE }
  })
  const more = troubles.length - named.length
  const rest: Check[] =
    more === 0
      ? []
      : [{ area: "logs", subject: "log files", state: "missing", sentence: `${more} more.`, todo: ADVICE }]
  return [...(read === 0 ? [] : [well]), ...named, ...rest]
}

const ADVICE =
  "Logs of containers are root's: run as root with the one capability DAC_READ_SEARCH, and mount their folder at the same path."

async function unreadable(file: string): Promise<string | undefined> {
  try {
    await access(file, constants.R_OK)
    return undefined
  } catch (cause) {
    return fileReason(cause)
  }
}
