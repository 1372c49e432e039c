import type { QueueRecord, Sink, SinkRequest, Split } from "../contract.ts"

/** What can be sent and what cannot, whatever the sink answered: each index is in `requests` or in `refused`. */
export interface CheckedSplit<Body> {
  readonly requests: readonly SinkRequest<Body>[]
  readonly refused: ReadonlyMap<number, string>
}

/** Why a record was dropped that its sink put nowhere, or could not look at without throwing: a fault of ours. */
const UNSPLIT = "unsplit"

/**
 * Asks a sink to split, and makes up for its faults, so that none of them stops the line: records that it forgot are
 * refused; where it throws, halves are tried, until the one record is found that it cannot take.
 */
export function checkedSplit<Body, Item extends QueueRecord>(
  sink: Pick<Sink<Body, Item>, "split">,
  records: readonly Item[],
  nowMs: number,
): CheckedSplit<Body> {
  let split: Split<Body>
  try {
    split = sink.split(records, nowMs)
  } catch {
    return inHalves(sink, records, nowMs)
  }
  const placed = new Uint8Array(records.length)
  const requests: SinkRequest<Body>[] = []
  for (const request of split.requests) {
    const own = request.records.filter((index) => placed[index] === 0)
    for (const index of own) placed[index] = 1
    if (own.length === request.records.length && own.length > 0) requests.push(request)
    // An answer tells of positions, so a request is sent whole or not at all.
    else for (const index of own) placed[index] = 0
  }
  const refused = new Map<number, string>()
  for (const [index, reason] of split.refused) if (placed[index] === 0) refused.set(index, reason)
  for (let index = 0; index < records.length; index++)
    if (placed[index] === 0 && !refused.has(index)) refused.set(index, UNSPLIT)
  return { requests, refused }
}

function inHalves<Body, Item extends QueueRecord>(
  sink: Pick<Sink<Body, Item>, "split">,
  records: readonly Item[],
  nowMs: number,
): CheckedSplit<Body> {
  if (records.length <= 1)
    return { requests: [], refused: new Map(records.map((_, index) => [index, UNSPLIT])) }
  const middle = Math.ceil(records.length / 2)
  const first = checkedSplit(sink, records.slice(0, middle), nowMs)
  const second = checkedSplit(sink, records.slice(middle), nowMs)
  return {
    requests: [
      ...first.requests,
      ...second.requests.map(({ records: own, body }) => ({
        records: own.map((index) => index + middle),
        body,
      })),
    ],
    refused: new Map([
      ...first.refused,
      ...[...second.refused].map(([index, reason]): [number, string] => [index + middle, reason]),
    ]),
  }
}
