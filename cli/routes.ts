import { MeshscopeError } from "#mesh/errors.ts"
import { plainJson, plainText } from "#mesh/plain-text.ts"
import { durationMs } from "#mesh/quantities.ts"
import { type Arguments, type Command, type ExitName, type Terminal, UsageError, widthOf } from "./command.ts"
import { coloured } from "./health-mark.ts"
import { askRoutes, askSummary, type RoutesQuestion } from "./routes-answer.ts"
import { routesText, troubleText } from "./routes-text.ts"

const DEFAULT_COLLECTOR = "http://127.0.0.1:4318"
const WINDOWS = ["1m", "5m", "15m", "60m"]
/** Home, then clear from there on: the table is drawn in place without flicker. */
const REDRAW = "\u001B[H\u001B[J"

export const routesCommand: Command = {
  name: "routes",
  summary: "Show every route's error rate, worst first.",
  synopsis: "[--collector URL] [--window 5m] [--mesh NAME] [--watch [--interval 5s]] [--json]",
  about:
    "Asks a collector. Shapes and words tell the health; colours come on a terminal only, and not where NO_COLOR is set.",
  options: [
    { name: "collector", value: "URL", help: `Address of the collector. Default: ${DEFAULT_COLLECTOR}.` },
    { name: "window", value: "WINDOW", help: `${WINDOWS.join(", ")}. Default: 5m.` },
    { name: "mesh", value: "NAME", help: "Only routes of this mesh." },
    { name: "watch", short: "w", help: "Show again and again until interrupted." },
    { name: "interval", value: "DURATION", help: "How often with --watch. Default: 5s." },
    { name: "json", help: "Print the collector's answer as JSON." },
  ],
  examples: [
    "meshscope routes",
    "meshscope routes --collector http://collector:4318 --window 15m --watch",
    "meshscope routes --json | jq '.rows[] | select(.health == \"failing\") | .name'",
  ],
  positionals: { least: 0, most: 0, name: "no further word" },
  run(args, terminal) {
    const question = questionOf(args)
    const json = args.switches.has("json")
    return args.switches.has("watch")
      ? watch(question, intervalOf(args), json, terminal)
      : show(question, json, terminal)
  },
}

async function show(question: RoutesQuestion, json: boolean, terminal: Terminal): Promise<ExitName> {
  terminal.out(await answerText(question, json, terminal))
  return "ok"
}

/** A collector that is away for a while is said in place of the table, and asked again. */
async function watch(
  question: RoutesQuestion,
  intervalMs: number,
  json: boolean,
  terminal: Terminal,
): Promise<ExitName> {
  const { signal, clock } = terminal
  while (!signal.aborted) {
    let text: string
    try {
      text = await answerText(question, json, terminal)
    } catch (error) {
      // Interrupted in the middle of a question: that is how watching ends.
      if (signal.aborted) break
      if (!(error instanceof MeshscopeError) || !error.retryable) throw error
      text = `${plainText(error.message)}\n`
    }
    terminal.out(terminal.tty && !json ? REDRAW + text : `${text}\n`)
    await clock.sleep(intervalMs, signal)
  }
  return "ok"
}

async function answerText(question: RoutesQuestion, json: boolean, terminal: Terminal): Promise<string> {
  const { shown, raw } = await askRoutes(question, terminal.signal)
  if (json) return `${plainJson(JSON.stringify(raw, undefined, 2))}\n`
  const trouble = troubleText(await askSummary(question, terminal.signal))
  return trouble + routesText(shown, coloured(terminal), widthOf(terminal))
}

function questionOf({ values, switches }: Arguments): RoutesQuestion {
  if (values.has("interval") && !switches.has("watch")) throw new UsageError("--interval goes with --watch.")
  const url = URL.parse(values.get("collector") ?? DEFAULT_COLLECTOR)
  if (url === null || !["http:", "https:"].includes(url.protocol))
    throw new UsageError(`--collector expects a URL such as ${DEFAULT_COLLECTOR}.`)
  const window = values.get("window") ?? "5m"
  if (!WINDOWS.includes(window)) throw new UsageError(`--window expects one of ${WINDOWS.join(", ")}.`)
  return {
    collector: `${url.origin}${url.pathname.replace(/\/+$/, "")}`,
    window,
    mesh: values.get("mesh"),
  }
}

function intervalOf({ values }: Arguments): number {
  const ms = durationMs(values.get("interval") ?? "5s")
  if (ms === undefined || ms < 1000)
    throw new UsageError("--interval expects a duration of at least 1s, such as 5s.")
  return ms
}
