import { afterEach, describe, expect, test } from "vitest"
import type { Terminal } from "../../cli/command.ts"
import { runProgram } from "../../cli/program.ts"
import { json, ROWS, row, type Shown, StandInCollector, view } from "../fixtures/collector/stand-in.ts"
import { keptTerminal } from "./cli-terminal.ts"

const collector = new StandInCollector()
afterEach(() => collector.close())

async function routes(words: readonly string[], changes: Partial<Terminal> = {}) {
  const { terminal, written } = keptTerminal(changes)
  const exit = await runProgram(["routes", ...words], terminal)
  return { exit, ...written }
}

describe("routes in the terminal", () => {
  test("is an aligned table, worst first, whole names, with a line on completeness", async () => {
    const { url } = await collector.serving(json(view(ROWS)))
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
    const { url } = await collector.serving(json(view(ROWS)))
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
    const { url } = await collector.serving(json(view(ROWS)))
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
    const { url } = await collector.serving(json({ ...answer, completeness }))
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
    const { url } = await collector.serving(json(view([evil])))
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
    const { url } = await collector.serving(json(view(rows)))
    const { out } = await routes(["--collector", url])
    expect(out).toMatch(/api +own proxies +2\.5 connections\/s /)
    expect(out).toMatch(/broken +callers .* 12 connections failed$/m)
    expect(out).toMatch(/plain +callers .* no flag×7$/m)
  })

  test("aligns names of wide characters", async () => {
    const { url } = await collector.serving(
      json(view([row({ key: { route: "日本" } }), row({ key: { route: "abcd" } })])),
    )
    const { out } = await routes(["--collector", url])
    expect(out).toContain("router / 日本  callers")
    expect(out).toContain("router / abcd  callers")
  })

  test("follows pages, and asks for what it was told", async () => {
    const { url, asked } = await collector.serving((asks, response) => {
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
    const { url, asked } = await collector.serving(json(view([row({})], { next: 0 })))
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
    const { url } = await collector.serving(json(view([failing])), summary)
    const { out } = await routes(["--collector", url])
    expect(out.split("\n\n")[0]?.split("\n")).toEqual([
      "api is failing: \\u001b[2J.",
      "  Callers cannot connect to v2 since 11:42 UTC. Callers' proxies made 50 errors.",
      "  Callers knew no healthy host of ui, ended 11:40 UTC. Callers' proxies made 50 errors.",
    ])
    expect(out).toMatch(/ URX×30 at v2$/m)
  })

  test("says that a summary is none", async () => {
    const { url } = await collector.serving((asked, response) => json(view([]))(asked, response), {} as Shown)
    expect(await routes(["--collector", url])).toMatchObject({
      exit: "failed",
      error: expect.stringMatching(/is not a summary \(.*\); is it of another version\?\n$/),
    })
  })

  test("says that nothing is known yet", async () => {
    const { url } = await collector.serving(json(view([])))
    expect((await routes(["--collector", url])).out).toMatch(/^No route is known yet\.\n\nComplete/)
  })
})
