import { once } from "node:events"
import { createServer, type Server, type ServerResponse } from "node:http"
import { afterEach, describe, expect, test } from "vitest"
import type { Terminal } from "../../cli/command.ts"
import { runProgram } from "../../cli/program.ts"
import type { RouteRow } from "../../collector/view/route-row.ts"
import type { RoutesView } from "../../collector/view/routes.ts"
import type { SummaryView } from "../../collector/view/summary.ts"
import { keptTerminal } from "./cli-terminal.ts"

type Shown = Pick<SummaryView, "verdict" | "origins">

let server: Server | undefined
afterEach(async () => {
  server?.closeAllConnections()
  await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)))
  server = undefined
})

const CALM: Shown = {
  verdict: { health: "ok", sentence: "5 routes, none failing.", routeId: null, since: null },
  origins: [],
}

/** A collector's stand-in on loopback that answers what the test says; gives its address and what was asked about routes. */
async function serving(answer: (url: URL, response: ServerResponse) => void, summary: Shown = CALM) {
  const asked: string[] = []
  server = createServer((request, response) => {
    const url = new URL(request.url ?? "", "http://localhost")
    if (url.pathname === "/api/v1/summary") {
      json(summary)(url, response)
      return
    }
    asked.push(request.url ?? "")
    answer(url, response)
  })
  server.listen(0, "127.0.0.1")
  await once(server, "listening")
  const address = server.address()
  const port = typeof address === "object" && address !== null ? address.port : 0
  return { url: `http://127.0.0.1:${port}`, asked }
}
/** An address where nothing listens any more. */
async function nobodyAt(): Promise<string> {
  const { url } = await serving(json({}))
  await new Promise((resolve) => server?.close(resolve))
  server = undefined
  return url
}
const json =
  (value: unknown) =>
  (_url: URL, response: ServerResponse): void => {
    response.setHeader("content-type", "application/json")
    response.end(JSON.stringify(value))
  }

async function routes(words: readonly string[], changes: Partial<Terminal> = {}) {
  const { terminal, written } = keptTerminal(changes)
  const exit = await runProgram(["routes", ...words], terminal)
  return { exit, ...written }
}

interface RowChanges extends Partial<Omit<RouteRow, "key" | "numbers">> {
  readonly key?: Partial<RouteRow["key"]>
  readonly numbers?: Partial<RouteRow["numbers"]>
}
function row({ key, numbers, ...changes }: RowChanges): RouteRow {
  return {
    id: "r-1",
    key: {
      mesh: "yelb",
      flavor: "app-mesh",
      virtualGateway: "",
      gatewayRoute: "",
      virtualService: "appserver",
      virtualRouter: "appserver-router",
      route: "api",
      ...key,
    },
    kind: "route",
    name: "api",
    synthetic: null,
    why: null,
    declared: true,
    health: "ok",
    since: null,
    endedAt: null,
    reporter: "source",
    numbers: {
      requests: 0,
      requestsPerSecond: 0,
      ok: 0,
      clientErrors: 0,
      errors: 0,
      aborted: 0,
      errorRatio: null,
      p50Ms: null,
      p95Ms: null,
      p99Ms: null,
      ...numbers,
    },
    tcp: null,
    flagsTop: [],
    worstTarget: null,
    provenance: "log",
    points: { startAt: "2026-11-21T11:00:00Z", stepSeconds: 60, requests: [], errorRatio: [], p95Ms: [] },
    answered: 2,
    known: 2,
    ...changes,
  }
}
const tally = { failing: 0, degraded: 0, ok: 0, "no traffic": 0, unknown: 0, total: 0 }
function view(rows: readonly RouteRow[], changes: Partial<RoutesView> = {}): RoutesView {
  return {
    generatedAt: "2026-11-21T12:00:00Z",
    windowSeconds: 300,
    mesh: null,
    complete: true,
    completeness: {
      complete: true,
      proxiesKnown: 12,
      proxiesAnswered: 12,
      agentsKnown: 3,
      agentsSeen: 3,
      unaccountedRatio: 0.00004,
      dataAt: "2026-11-21T11:59:56Z",
      dataFrom: "2026-11-01T09:00:00Z",
      dataAgeSeconds: 4,
      storeProblem: null,
    },
    routes: tally,
    synthetic: tally,
    total: rows.length,
    rows,
    next: null,
    ...changes,
  }
}

const ROWS = [
  row({
    health: "ok",
    numbers: { requestsPerSecond: 120.04, errorRatio: 0.00004, p50Ms: 0.4, p95Ms: 12, p99Ms: 1234.5 },
  }),
  row({
    health: "failing",
    key: {
      virtualGateway: "yelb-gateway",
      gatewayRoute: "to-ui",
      virtualService: "ui",
      virtualRouter: "",
      route: "",
    },
    reporter: "gateway",
    since: "2026-11-21T11:42:00Z",
    numbers: { requestsPerSecond: 0.01, errorRatio: 1, p50Ms: 3, p95Ms: 5, p99Ms: 5 },
    flagsTop: [
      { flags: "UF,URX", count: 12 },
      { flags: "UH", count: 3 },
    ],
    answered: 1,
  }),
  row({
    health: "unknown",
    key: { route: "a-route-with-a-long-name_and.dots", virtualService: "redis.yelb.svc.cluster.local" },
  }),
  row({ health: "degraded", key: { route: "slow" }, numbers: { requestsPerSecond: 5, errorRatio: 0.0123 } }),
  row({ health: "no traffic", key: { route: "idle" } }),
]

describe("routes in the terminal", () => {
  test("is an aligned table, worst first, whole names, with a line on completeness", async () => {
    const { url } = await serving(json(view(ROWS)))
    expect(await routes(["--collector", url])).toEqual({
      exit: "ok",
      error: "",
      out: `HEALTH        ROUTE                                                                                SEEN BY  REQ/S  ERROR %  P50 MS  P95 MS  P99 MS  PROXIES  FLAGS           SINCE
◆ failing     yelb-gateway / to-ui                                                                 gateway   <0.1   100.00       3       5       5      1/2  UF,URX×12 UH×3  11:42 UTC
▲ degraded    appserver / appserver-router / slow                                                  callers    5.0     1.23       –       –       –      2/2
● ok          appserver / appserver-router / api                                                   callers  120.0    <0.01      <1      12    1235      2/2
○ no traffic  appserver / appserver-router / idle                                                  callers    0.0        –       –       –       –      2/2
? unknown     redis.yelb.svc.cluster.local / appserver-router / a-route-with-a-long-name_and.dots  callers    0.0        –       –       –       –      2/2

Complete: 12 of 12 proxies answered, 3 of 3 agents report, <0.01 % of requests unaccounted, data 4 s old, window 5 min
`,
    })
  })

  test("has colours on a terminal only, and not where NO_COLOR is set", async () => {
    const { url } = await serving(json(view(ROWS)))
    const words = ["--collector", url]
    expect((await routes(words, { tty: true, columns: 200 })).out).toContain(
      "\u001B[31m◆ failing\u001B[0m     yelb-gateway",
    )
    for (const changes of [
      { tty: false },
      { tty: true, env: { NO_COLOR: "1" } },
      { tty: true, env: { TERM: "dumb" } },
    ])
      expect((await routes(words, changes)).out).not.toContain("\u001B")
    expect((await routes(words, { tty: true, env: { NO_COLOR: "" } })).out).toContain("\u001B[31m")
  })

  test("has names below the numbers on a narrow terminal, and one line a row in a pipe", async () => {
    const { url } = await serving(json(view(ROWS)))
    const narrow = await routes(["--collector", url], { tty: true, columns: 90, env: { NO_COLOR: "1" } })
    const table = narrow.out.split("\n\n")[0] ?? ""
    expect(table.split("\n").filter((line) => line.length > 90)).toEqual([])
    expect(table).toContain(
      "100.00       3       5       5      1/2\n    yelb-gateway / to-ui  seen by gateway  flags UF,URX×12 UH×3  since 11:42 UTC\n",
    )
    const piped = await routes(["--collector", url], { tty: false, columns: undefined })
    expect(piped.out).toContain("HEALTH        ROUTE ")
  })

  test("names the mesh where there are several, and says what is missing", async () => {
    const two = [row({}), row({ key: { mesh: "istio-mesh" } })]
    const answer = view(two, { complete: false })
    const completeness = {
      ...answer.completeness,
      proxiesAnswered: 9,
      agentsSeen: 2,
      unaccountedRatio: null,
      dataAgeSeconds: null,
      storeProblem: "The disk is full.",
    }
    const { url } = await serving(json({ ...answer, completeness }))
    const { out } = await routes(["--collector", `${url}/`])
    expect(out).toMatch(/^HEALTH +MESH +ROUTE/)
    expect(out).toContain("● ok    istio-mesh  appserver")
    expect(out).toContain(
      "INCOMPLETE: 9 of 12 proxies answered, 2 of 3 agents report, nothing to account for, no data yet, window 5 min, The disk is full.\n",
    )
  })

  test("neutralises what names could do to a terminal", async () => {
    const evil = row({
      key: { route: "\u001B]0;x\u0007\u009B2J\u202Eevil\nline" },
      flagsTop: [{ flags: "\u001B[2J", count: 1 }],
    })
    const { url } = await serving(json(view([evil])))
    const { out } = await routes(["--collector", url])
    expect(out).toContain("\\u001b]0;x\\u0007\\u009b2J\\u202eevil\\u000aline")
    expect(out.split("\n")).toHaveLength(5)
    const asJson = (await routes(["--collector", url, "--json"])).out
    for (const text of [out, asJson]) expect(text.replaceAll("\n", "")).not.toMatch(/[\p{Cc}\u202E]/u)
    expect(JSON.parse(asJson)).toEqual(view([evil]))
  })

  test("says connections of what speaks TCP, and who saw it, in words", async () => {
    const tcp = {
      activeConnections: 3,
      opened: 600,
      closed: 0,
      openedPerSecond: 2.5,
      closedWithError: 0,
      sentBytesPerSecond: 0,
      receivedBytesPerSecond: 0,
    }
    const rows = [
      row({ tcp, reporter: "destination" }),
      row({ tcp: { ...tcp, closedWithError: 12 }, key: { route: "broken" } }),
      row({ key: { route: "plain" }, flagsTop: [{ flags: "-", count: 7 }] }),
    ]
    const { url } = await serving(json(view(rows)))
    const { out } = await routes(["--collector", url])
    expect(out).toMatch(/api +own proxies +2\.5 connections\/s /)
    expect(out).toMatch(/broken +callers .* 12 connections failed$/m)
    expect(out).toMatch(/plain +callers .* no flag×7$/m)
  })

  test("aligns names of wide characters", async () => {
    const { url } = await serving(
      json(view([row({ key: { route: "日本" } }), row({ key: { route: "abcd" } })])),
    )
    const { out } = await routes(["--collector", url])
    expect(out).toContain("router / 日本  callers")
    expect(out).toContain("router / abcd  callers")
  })

  test("follows pages, and asks for what it was told", async () => {
    const { url, asked } = await serving((asks, response) => {
      const offset = Number(asks.searchParams.get("offset") ?? 0)
      json(view([row({ key: { route: `r${offset}` } })], { next: offset < 400 ? offset + 200 : null }))(
        asks,
        response,
      )
    })
    const { out } = await routes(["--collector", url, "--window", "15m", "--mesh", "a b"])
    expect(asked).toEqual([
      "/api/v1/routes?window=15m&sort=health&limit=200&mesh=a+b",
      "/api/v1/routes?window=15m&sort=health&limit=200&offset=200&mesh=a+b",
      "/api/v1/routes?window=15m&sort=health&limit=200&offset=400&mesh=a+b",
    ])
    for (const name of ["r0", "r200", "r400"]) expect(out).toContain(`/ ${name} `)
  })

  test("ends when pages do not move on", async () => {
    const { url, asked } = await serving(json(view([row({})], { next: 0 })))
    expect((await routes(["--collector", url])).exit).toBe("ok")
    expect(asked).toHaveLength(1)
  })

  test("says above the table what is wrong and where it begins, and in the row at which node", async () => {
    const origin = {
      id: "mesh/yelb/virtualNode/v2",
      mesh: "yelb",
      virtualNode: "v2",
      sentence: "Callers cannot connect to v2",
      evidence: ["Callers' proxies made 50 errors."],
      since: "2026-11-21T11:42:15Z",
      endedAt: null,
      routes: [],
    }
    const summary: Shown = {
      verdict: { health: "failing", sentence: "api is failing: \u001B[2J.", routeId: "r-1", since: null },
      origins: [
        origin,
        {
          ...origin,
          sentence: "Callers knew no healthy host of ui",
          since: null,
          endedAt: "2026-11-21T11:40:00Z",
        },
      ],
    }
    const worstTarget = { virtualNode: "v2", errors: 30 }
    const failing = row({ health: "failing", flagsTop: [{ flags: "URX", count: 30 }], worstTarget })
    const { url } = await serving(json(view([failing])), summary)
    const { out } = await routes(["--collector", url])
    expect(out.split("\n\n")[0]?.split("\n")).toEqual([
      "api is failing: \\u001b[2J.",
      "  Callers cannot connect to v2 since 11:42 UTC. Callers' proxies made 50 errors.",
      "  Callers knew no healthy host of ui, ended 11:40 UTC. Callers' proxies made 50 errors.",
    ])
    expect(out).toMatch(/ URX×30 at v2$/m)
  })

  test("says that a summary is none", async () => {
    const { url } = await serving((asked, response) => json(view([]))(asked, response), {} as Shown)
    expect(await routes(["--collector", url])).toMatchObject({
      exit: "failed",
      error: expect.stringMatching(/is not a summary \(.*\); is it of another version\?\n$/),
    })
  })

  test("says that nothing is known yet", async () => {
    const { url } = await serving(json(view([])))
    expect((await routes(["--collector", url])).out).toMatch(/^No route is known yet\.\n\nComplete/)
  })
})

const unknownMesh = (_: URL, response: ServerResponse): void => {
  const error = 'No mesh is called "yleb\u001B[2J". Known: yelb.'
  const problems = [{ parameter: "mesh", message: "expects one of yelb" }]
  response.writeHead(404, { "content-type": "application/json" }).end(JSON.stringify({ error, problems }))
}

describe("a mesh that the collector does not know", () => {
  test("is said so, with those that it knows, and ends with failure", async () => {
    const { url } = await serving(unknownMesh)
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
    const { url } = await serving(answer)
    expect(await routes(["--collector", url])).toEqual({
      exit: "failed",
      out: "",
      error: expect.stringMatching(message),
    })
  })

  test("nobody there", async () => {
    const url = await nobodyAt()
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
    const { url, asked } = await serving(json(view(ROWS)))
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
    const { exit, out } = await routes(["--collector", await nobodyAt(), "--watch"], { clock, signal })
    expect(exit).toBe("ok")
    expect(out.match(/does not answer/g)).toHaveLength(2)
    expect(out).not.toContain("\u001B")
  })

  test("gives up on an answer that will not get better", async () => {
    const { url } = await serving(json({}))
    const { clock, signal } = stopping(5)
    expect(await routes(["--collector", url, "--watch"], { clock, signal })).toMatchObject({ exit: "failed" })
  })
})
