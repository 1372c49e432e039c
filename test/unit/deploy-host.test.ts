import { readFileSync } from "node:fs"
import { join } from "node:path"
import { expect, test } from "vitest"
import { ROOT } from "../fixtures/deploy/objects.ts"

const text = (file: string): string => readFileSync(join(ROOT, file), "utf8")
const unit = text("deploy/systemd/meshscope-agent.service")
/** All values of a setting, without those that are comments. */
const setting = (name: string): string[] =>
  [...unit.matchAll(new RegExp(`^${name}=(.*)$`, "gm"))].map(([, value = ""]) => value)

test("image and unit start the agent alike, but for how the heap's end is told", () => {
  const [, entrypoint = "[]"] = /^ENTRYPOINT (.*)$/m.exec(text("deploy/image/Dockerfile")) ?? []
  const words: unknown = JSON.parse(entrypoint)
  const inImage = Array.isArray(words) ? words.map(String) : []
  const onHost = (setting("ExecStart")[0] ?? "").split(" ")
  const heap = /^--max-old-space-size/
  expect(onHost.filter((word) => !heap.test(word)).slice(0, inImage.length - 1)).toEqual(
    inImage.filter((word) => !heap.test(word)),
  )
  // Some 60 % of what the unit may take: of a percentage Node takes the machine's memory
  expect(onHost).toContain("--max-old-space-size=160")
  expect(setting("MemoryMax")).toEqual(["256M"])
})

test("a unit may read, and no more", () => {
  expect(setting("CapabilityBoundingSet")).toEqual(["CAP_DAC_READ_SEARCH"])
  expect(setting("AmbientCapabilities")).toEqual(["CAP_DAC_READ_SEARCH"])
  expect(setting("NoNewPrivileges")).toEqual(["yes"])
  expect(setting("ProtectSystem")).toEqual(["strict"])
  expect(setting("StateDirectory")).toEqual(["meshscope"])
  expect(setting("StateDirectoryMode")).toEqual(["0700"])
  expect(setting("UMask")).toEqual(["0077"])
  expect([...setting("User"), ...setting("Group")]).toEqual(["meshscope", "meshscope"])
  expect(setting("SystemCallFilter")).toEqual(["@system-service", "~@privileged open_by_handle_at"])
})

test("a unit sees of the host what it needs", () => {
  const closed = ["ProtectHome", "PrivateTmp", "PrivateDevices", "ProtectControlGroups", "ProtectKernelLogs"]
  const more = ["ProtectKernelModules", "ProtectKernelTunables", "ProtectClock", "ProtectHostname"]
  const and = ["RestrictNamespaces", "RestrictRealtime", "RestrictSUIDSGID", "LockPersonality"]
  for (const name of [...closed, ...more, ...and]) expect([name, ...setting(name)]).toEqual([name, "yes"])
  expect(setting("ProtectProc")).toEqual(["invisible"])
  expect(setting("RestrictAddressFamilies")).toEqual(["AF_INET AF_INET6 AF_UNIX AF_NETLINK"])
})

test("an image runs as a user of its own, with memory as it was measured", () => {
  const [, last = ""] = text("deploy/image/Dockerfile").split(/^FROM \$RUN_BASE$/m)
  expect(last.match(/^USER .*$/gm)).toEqual(["USER 65532:65532"])
  expect(last).toMatch(/^COPY --from=build --chown=65532:65532 \/out\/state \/var\/lib\/meshscope$/m)
  expect(last).toMatch(/^ENV MALLOC_ARENA_MAX=1 HOME=\/nonexistent$/m)
  expect(setting("Environment")).toEqual(["MALLOC_ARENA_MAX=1"])
})

test("an agent that ends is started again, unless its configuration is wrong", () => {
  expect(setting("Restart")).toEqual(["always"])
  expect(setting("RestartPreventExitStatus")).toEqual(["2 3"])
  expect(setting("StartLimitIntervalSec")).toEqual(["0"])
})
