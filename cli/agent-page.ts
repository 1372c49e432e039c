import type { Sample, Samples } from "#mesh/cost/samples.ts"
import { MeshscopeError } from "#mesh/errors.ts"
import { connectReason } from "#mesh/system-reason.ts"
import { limitedText } from "./limited-text.ts"

/** How long the agent may take over its page, and how long that may be. */
const TIMEOUT_MS = 30_000
const MOST_MIB = 256

/**
 * The series of an agent's page for Prometheus.
 * @param url address of the page
 * @throws MeshscopeError AGENT_UNREACHABLE (retryable), AGENT_BAD_ANSWER
 */
export async function askAgent(url: string, signal: AbortSignal): Promise<Samples> {
  const samples = readPage(await agentPageText(url, signal))
  const known = [...samples.values()].some(({ name }) => name === "mesh_agent_build_info")
  if (known) return samples
  throw new MeshscopeError("AGENT_BAD_ANSWER", `${url} is not the page of an agent of Meshscope.`)
}

export async function agentPageText(url: string, signal: AbortSignal): Promise<string> {
  try {
    const response = await fetch(url, {
      signal: AbortSignal.any([signal, AbortSignal.timeout(TIMEOUT_MS)]),
      headers: { accept: "text/plain;version=0.0.4" },
      redirect: "error",
    })
    if (response.status !== 200) {
      await response.body?.cancel()
      throw new MeshscopeError("AGENT_BAD_ANSWER", `The agent answered ${response.status} to ${url}.`)
    }
    return await limitedText(response, MOST_MIB, "AGENT_BAD_ANSWER")
  } catch (cause) {
    if (cause instanceof MeshscopeError) throw cause
    const timedOut = cause instanceof Error && cause.name === "TimeoutError"
    const why = timedOut ? `no answer within ${TIMEOUT_MS / 1000} s` : connectReason(cause)
    const message = `The agent at ${new URL(url).origin} does not answer: ${why}. Name another with --agent URL.`
    throw new MeshscopeError("AGENT_UNREACHABLE", message, { retryable: true, cause })
  }
}

const HISTOGRAM_PART = /_(?:bucket|sum)$/
const COUNT = "_count"

/**
 * Text in Prometheus's format 0.0.4, as the agent writes it: one sample a line. Of a histogram, its count is kept under its
 * own name. Lines that are none are passed over.
 */
export function readPage(text: string): Samples {
  const samples = new Map<string, Sample>()
  const histograms = new Set<string>()
  for (const line of text.split("\n")) {
    if (line.startsWith("# TYPE ") && line.endsWith(" histogram")) histograms.add(line.slice(7, -10))
    if (line === "" || line.startsWith("#")) continue
    const read = readLine(line)
    if (read === undefined) continue
    const [key, sample] = read
    if (HISTOGRAM_PART.test(sample.name) && histograms.has(sample.name.replace(HISTOGRAM_PART, ""))) continue
    const base = sample.name.slice(0, -COUNT.length)
    const counts = sample.name.endsWith(COUNT) && histograms.has(base)
    samples.set(key, counts ? { ...sample, name: base } : sample)
  }
  return samples
}

function readLine(line: string): readonly [key: string, sample: Sample] | undefined {
  const open = line.indexOf("{")
  const close = open < 0 ? -1 : closingAt(line, open)
  const end = close < 0 ? line.indexOf(" ") : close + 1
  if (end <= 0 || (open >= 0 && close < 0)) return undefined
  const value = Number(line.slice(end).trim().split(" ")[0])
  if (Number.isNaN(value)) return undefined
  const name = line.slice(0, open < 0 ? end : open)
  const labels = open < 0 ? new Map<string, string>() : readLabels(line.slice(open + 1, close))
  return [line.slice(0, end), { name, labels, value }]
}

/** Where the braces close: a closing brace may also stand in a value. */
function closingAt(line: string, open: number): number {
  let quoted = false
  for (let at = open + 1; at < line.length; at++) {
    const character = line[at]
    if (character === "\\" && quoted) at++
    else if (character === '"') quoted = !quoted
    else if (character === "}" && !quoted) return at
  }
  return -1
}

const LABEL = /(\w+)="((?:[^"\\]|\\.)*)"/g

function readLabels(text: string): Map<string, string> {
  const labels = new Map<string, string>()
  for (const [, name = "", value = ""] of text.matchAll(LABEL))
    labels.set(
      name,
      value.replaceAll(/\\(.)/g, (_, escaped: string) => (escaped === "n" ? "\n" : escaped)),
    )
  return labels
}
