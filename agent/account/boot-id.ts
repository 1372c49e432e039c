import { readFileSync } from "node:fs"

/** Which boot of the machine this is, or undefined where the kernel does not tell. */
export function readBootId(path = "/proc/sys/kernel/random/boot_id"): string | undefined {
  try {
    return readFileSync(path, "utf8").trim()
  } catch {
    return undefined
  }
}
