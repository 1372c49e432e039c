import { readdirSync, readFileSync } from "node:fs"
import { cpuUsage, getActiveResourcesInfo } from "node:process"
import { getHeapSpaceStatistics, getHeapStatistics } from "node:v8"
import { watchEventLoop } from "./event-loop-metrics.ts"
import { gauge, type OwnFamily, type OwnPoint } from "./families.ts"
import { watchGarbageCollection } from "./garbage-metrics.ts"

/** Metrics of the process this runs in, as long as it is watched. */
export interface ProcessMetrics {
  families(): readonly OwnFamily[]
  /** Ends the watching. */
  close(): void
}

/**
 * CPU, memory, descriptors, event loop and garbage collection of this process, by the names that prom-client made usual
 * for Node. Its own code for them keeps 5 MB in memory, and wakes the process 100 times a second to watch the event loop.
 * @param nodeVersion without a `v`
 */
export function watchProcess(nodeVersion: string): ProcessMetrics {
  const loop = watchEventLoop()
  const garbage = watchGarbageCollection()
  return {
    families: () => [
      ...cpu(),
      gauge(
        "process_start_time_seconds",
        "Start time of the process since unix epoch in seconds.",
        Math.round(performance.timeOrigin / 1000),
      ),
      ...memory(),
      ...descriptors(),
      ...loop.families(),
      ...resources(),
      ...heap(),
      version(nodeVersion),
      garbage.family(),
    ],
    close() {
      loop.close()
      garbage.close()
    },
  }
}

function cpu(): OwnFamily[] {
  const { user, system } = cpuUsage()
  return [
    cpuTime("user_", "user", user),
    cpuTime("system_", "system", system),
    cpuTime("", "user and system", user + system),
  ]
}

function cpuTime(kind: string, of: string, micros: number): OwnFamily {
  const name = `process_cpu_${kind}seconds_total`
  return { ...gauge(name, `Total ${of} CPU time spent in seconds.`, micros / 1e6), type: "counter" }
}

/** From Linux; elsewhere there are none. */
function memory(): OwnFamily[] {
  const status = linuxText("/proc/self/status")
  const bytes = (key: string): number =>
    Number(new RegExp(`^${key}:\\s+(\\d+) kB$`, "m").exec(status)?.[1]) * 1024
  return [
    gauge("process_resident_memory_bytes", "Resident memory size in bytes.", bytes("VmRSS")),
    gauge("process_virtual_memory_bytes", "Virtual memory size in bytes.", bytes("VmSize")),
    gauge("process_heap_bytes", "Process heap size in bytes.", bytes("VmData")),
  ].filter(isKnown)
}

function descriptors(): OwnFamily[] {
  const most = Number(/^Max open files +(\d+)/m.exec(linuxText("/proc/self/limits"))?.[1])
  return [
    gauge("process_open_fds", "Number of open file descriptors.", openDescriptors()),
    gauge("process_max_fds", "Maximum number of open file descriptors.", most),
  ].filter(isKnown)
}

function openDescriptors(): number {
  try {
    // One of them is that of the folder itself
    return readdirSync("/proc/self/fd").length - 1
  } catch {
    return Number.NaN
  }
}

function linuxText(file: string): string {
  try {
    return readFileSync(file, "latin1")
  } catch {
    return ""
  }
}

function isKnown({ points }: OwnFamily): boolean {
  return points.every(({ value }) => !Number.isNaN(value))
}

/** What keeps the event loop alive. */
function resources(): OwnFamily[] {
  const counts = new Map<string, number>()
  const all = getActiveResourcesInfo()
  for (const type of all) counts.set(type, (counts.get(type) ?? 0) + 1)
  const help =
    "Number of active resources that are currently keeping the event loop alive, grouped by async resource type."
  const points = [...counts].map(([type, value]) => ({ labels: { type }, value }))
  return [
    { ...gauge("nodejs_active_resources", help, 0), points },
    gauge("nodejs_active_resources_total", "Total number of active resources.", all.length),
  ]
}

function heap(): OwnFamily[] {
  const whole = getHeapStatistics()
  const spaces = getHeapSpaceStatistics()
  const bySpace = (what: string, of: (space: (typeof spaces)[number]) => number): OwnFamily => {
    const points = spaces.map((space): OwnPoint => {
      return { labels: { space: space.space_name.replace(/_space$/, "") }, value: of(space) }
    })
    const help = `Process heap space size ${what} from Node.js in bytes.`
    return { ...gauge(`nodejs_heap_space_size_${what}_bytes`, help, 0), points }
  }
  return [
    gauge("nodejs_heap_size_total_bytes", "Process heap size from Node.js in bytes.", whole.total_heap_size),
    gauge(
      "nodejs_heap_size_used_bytes",
      "Process heap size used from Node.js in bytes.",
      whole.used_heap_size,
    ),
    gauge("nodejs_external_memory_bytes", "Node.js external memory size in bytes.", whole.external_memory),
    bySpace("total", (space) => space.space_size),
    bySpace("used", (space) => space.space_used_size),
    bySpace("available", (space) => space.space_available_size),
  ]
}

function version(node: string): OwnFamily {
  const [major = "", minor = "", patch = ""] = node.split(".")
  const labels = { version: `v${node}`, major, minor, patch }
  return { ...gauge("nodejs_version_info", "Node.js version info.", 1), points: [{ labels, value: 1 }] }
}
