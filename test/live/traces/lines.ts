import { createHash } from "node:crypto"
import { readFile } from "node:fs/promises"
import { fileLoggers, lineReader, readableLogs } from "../../../agent/access-logs.ts"
import { LineResult } from "../../../agent/decode/access-log/line-reader.ts"
import { makeResolver } from "../../../agent/resolve/resolver.ts"
import { type LineSpanEnd, makeLineSpans } from "../../../agent/resolve/spans/line-spans.ts"
import type { ProxyConfig } from "../../../mesh/proxy.ts"
import { makeInterner } from "../../../mesh/request.ts"
import type { Span } from "../../../mesh/span.ts"
import type { TracedMesh } from "./mesh.ts"

export interface LinesRead {
  /** By start. */
  readonly spans: readonly Span[]
  readonly counters: Readonly<Record<LineSpanEnd, number>>
}

/** What an agent makes of all that the proxies have logged so far, from the beginning. */
export async function spansOfLogs(
  { fleet, model }: TracedMesh,
  configs: ReadonlyMap<string, ProxyConfig>,
): Promise<LinesRead> {
  const lineSpans = makeLineSpans((bytes) => createHash("sha256").update(bytes).digest("hex"))
  const spans: Span[] = []
  for (const { name, log } of fleet.proxies) {
    const config = configs.get(name)
    if (config === undefined) throw new Error(`${name} was not read`)
    const readable = readableLogs({ logs: [log] })
    const { reader, abilities } = lineReader(fileLoggers(config, readable))
    lineSpans.setProxy(name, config, abilities)
    const { resolver, identity } = makeResolver({
      config,
      identity: { proxy: name },
      declared: model,
      interner: makeInterner(),
      readableLogs: readable,
      ...(abilities === undefined ? {} : { abilities }),
    })
    const bytes = await readFile(log)
    for (
      let start = 0, end = bytes.indexOf("\n");
      end >= 0;
      start = end + 1, end = bytes.indexOf("\n", start)
    ) {
      if (reader.read(bytes, start, end) !== LineResult.access) continue
      const span = lineSpans.span(reader.fact, resolver.resolve(reader.fact), identity)
      if (span !== undefined) spans.push(span)
    }
  }
  return { spans: spans.toSorted((a, b) => a.startUs - b.startUs), counters: lineSpans.counters }
}
