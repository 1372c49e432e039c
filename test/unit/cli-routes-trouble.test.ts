import type { ServerResponse } from "node:http"
import { afterEach, describe, expect, test } from "vitest"
import type { Terminal } from "../../cli/command.ts"
import { runProgram } from "../../cli/program.ts"
import { json, ROWS, StandInCollector, view } from "../fixtures/collector/stand-in.ts"
import { keptTerminal } from "./cli-terminal.ts"

const collector = new StandInCollector()
afterEach(() => collector.close())

async function routes(words: readonly string[], changes: Partial<Terminal> = {}) {
  const { terminal, written } = keptTerminal(changes)
  const exit = await runProgram(["routes", ...words], terminal)
  return { exit, ...written }
}

const unknownMesh = (_: URL, response: ServerResponse): void => {
  const error = 'No mesh is called "yleb\u001B[2J". Known: yelb.'
  const problems = [{ parameter: "mesh", message: "expects one of yelb" }]
  response.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify({ error, problems }))
}

describe("a mesh that the collector does not know", () => {
  test("is said so, with those that it knows, and ends with failure", async () => {
    const { url } = await collector.serving(unknownMesh)
    for (const more of [[], ["--json"]])
      expect(await routes(["--collector", url, "--mesh", "yleb", ...more])).toEqual({
        exit: "failed",
        out: "",
        error: 'No mesh is called "yleb\\u001b[2J". Known: yelb.\n',
      })
  })
})

describe("a collector that does not answer well", () => {
  const rows: readonly [
    why: string,
    answer: (url: URL, response: ServerResponse) => void,
    message: RegExp,
  ][] = [
    [
      "an error",
      (_url, response) => response.writeHead(500).end("broken \u001B[2J"),
      /^The collector answered 500 to .*: broken \\u001b\[2J\n$/,
    ],
    ["no JSON", (_url, response) => response.end("<html>"), /did not answer JSON; is this a collector\?\n$/],
    ["other JSON", json({ rows: [{}] }), /is not a list of routes \(.*\); is it of another version\?\n$/],
    ["null", json(null), /is not a list of routes/],
    [
      "a redirect",
      (_url, response) => response.writeHead(302, { location: "http://127.0.0.1:1/" }).end(),
      /does not answer/,
    ],
    [
      "a cut body",
      (_url, response) => {
        response.writeHead(200, { "content-length": "100" })
        response.write("{")
        setImmediate(() => response.destroy())
      },
      /does not answer/,
    ],
  ]
  test.each(rows)("%s is said, and the exit tells", async (_why, answer, message) => {
    const { url } = await collector.serving(answer)
    expect(await routes(["--collector", url])).toEqual({
      exit: "failed",
      out: "",
      error: expect.stringMatching(message),
    })
  })

  test("nobody there", async () => {
    const url = await collector.nobodyAt()
    const why = "nobody listens there"
    expect(await routes(["--collector", url])).toEqual({
      exit: "failed",
      out: "",
      error: `The collector at ${url} does not answer: ${why}. Name another with --collector URL.\n`,
    })
  })
})

/** A clock whose sleeps end at once, and that stops the watch after some. */
function stopping(sleeps: number) {
  const stop = new AbortController()
  const slept: number[] = []
  const clock = {
    now: () => 0,
    monotonic: () => 0,
    sleep: (ms: number) => {
      slept.push(ms)
      if (slept.length >= sleeps) stop.abort()
      return Promise.resolve()
    },
  }
  return { clock, signal: stop.signal, slept }
}

describe("watching", () => {
  test("draws again in place on a terminal, and ends well when interrupted", async () => {
    const { url, asked } = await collector.serving(json(view(ROWS)))
    const { clock, signal, slept } = stopping(3)
    const { exit, out } = await routes(["--collector", url, "-w", "--interval", "2s"], {
      clock,
      signal,
      tty: true,
    })
    expect(exit).toBe("ok")
    expect(asked).toHaveLength(3)
    expect(slept).toEqual([2000, 2000, 2000])
    expect(out.split("\u001B[H\u001B[J")).toHaveLength(4)
  })

  test("goes on while the collector is away, without escapes in a pipe", async () => {
    const { clock, signal } = stopping(2)
    const { exit, out } = await routes(["--collector", await collector.nobodyAt(), "--watch"], {
      clock,
      signal,
    })
    expect(exit).toBe("ok")
    expect(out.match(/does not answer/g)).toHaveLength(2)
    expect(out).not.toContain("\u001B")
  })

  test("gives up on an answer that will not get better", async () => {
    const { url } = await collector.serving(json({}))
    const { clock, signal } = stopping(5)
    expect(await routes(["--collector", url, "--watch"], { clock, signal })).toMatchObject({ exit: "failed" })
  })
})
