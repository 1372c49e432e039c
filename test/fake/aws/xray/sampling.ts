import { type Input, isObject, type JsonHandler } from "../operation.ts"
import { invalidRequest } from "./put-trace-segments.ts"
import type { XrayStore } from "./store.ts"

/** The rule that every account has: developer guide, "Configuring sampling rules": 1 a second, then 5 %. */
export const defaultRule = (): Record<string, unknown> => ({
  RuleName: "Default",
  RuleARN: "arn:aws:xray:eu-west-1:123456789012:sampling-rule/Default",
  ResourceARN: "*",
  Priority: 10_000,
  FixedRate: 0.05,
  ReservoirSize: 1,
  ServiceName: "*",
  ServiceType: "*",
  Host: "*",
  HTTPMethod: "*",
  URLPath: "*",
  Version: 1,
  Attributes: {},
})

/** docs.aws.amazon.com/xray/latest/api/API_GetSamplingTargets.html */
const MAX_STATISTICS = 25
/** What the type docs call usual: "Results are for the last 10 seconds". */
const INTERVAL_SECONDS = 10
/** Of the rules: when the store was made; it only has to be told again. */
const RULES_FROM_SECONDS = 1_500_000_000

/** client-xray: GetSamplingRulesCommand. All on one page. */
export function samplingRules(store: XrayStore): JsonHandler {
  return () => ({
    SamplingRuleRecords: store.samplingRules.map((rule) => ({
      SamplingRule: rule,
      CreatedAt: RULES_FROM_SECONDS,
      ModifiedAt: RULES_FROM_SECONDS,
    })),
  })
}

/** client-xray: GetSamplingTargetsCommand. A rule's reservoir is shared evenly by the clients that were ever seen. */
export function samplingTargets(store: XrayStore): JsonHandler {
  return (input, { nowMs }) => {
    const list = input["SamplingStatisticsDocuments"]
    if (!Array.isArray(list)) throw invalidRequest("SamplingStatisticsDocuments is missing.")
    if (list.length > MAX_STATISTICS)
      throw invalidRequest(`More than ${MAX_STATISTICS} statistics documents.`)
    const statistics = list.map(checkedStatistics)
    store.samplingStatistics.push(...statistics)
    const known = (name: unknown): Record<string, unknown> | undefined =>
      store.samplingRules.find((rule) => rule["RuleName"] === name)
    return {
      SamplingTargetDocuments: statistics.flatMap(({ RuleName: name }) => {
        const rule = known(name)
        return rule === undefined ? [] : [target(rule, clients(store, name), nowMs)]
      }),
      LastRuleModification: RULES_FROM_SECONDS,
      // the code is not documented
      UnprocessedStatistics: statistics
        .filter(({ RuleName: name }) => known(name) === undefined)
        .map(({ RuleName }) => ({
          RuleName,
          ErrorCode: "InvalidRuleName",
          Message: "There is no such rule.",
        })),
      UnprocessedBoostStatistics: [],
    }
  }
}

function target(rule: Record<string, unknown>, sharers: number, nowMs: number): Record<string, unknown> {
  const nowSeconds = Math.floor(nowMs / 1000)
  return {
    RuleName: rule["RuleName"],
    FixedRate: rule["FixedRate"],
    ReservoirQuota: Math.floor(Number(rule["ReservoirSize"]) / sharers),
    ReservoirQuotaTTL: nowSeconds + INTERVAL_SECONDS,
    Interval: INTERVAL_SECONDS,
  }
}

const clients = (store: XrayStore, name: unknown): number =>
  Math.max(
    1,
    new Set(
      store.samplingStatistics.filter(({ RuleName }) => RuleName === name).map((one) => one["ClientID"]),
    ).size,
  )

/** docs.aws.amazon.com/xray/latest/api/API_SamplingStatisticsDocument.html */
function checkedStatistics(one: unknown): Input {
  if (!isObject(one)) throw invalidRequest("A statistics document is not an object.")
  const { RuleName: name, ClientID: client, Timestamp: time } = one
  if (typeof name !== "string" || name.length < 1 || name.length > 32)
    throw invalidRequest("RuleName: 1 to 32 characters.")
  if (typeof client !== "string" || client.length !== 24) throw invalidRequest("ClientID: 24 characters.")
  if (typeof time !== "number") throw invalidRequest("Timestamp is missing.")
  for (const count of ["RequestCount", "SampledCount", "BorrowCount"]) {
    const value = one[count] ?? (count === "BorrowCount" ? 0 : undefined)
    if (!Number.isInteger(value) || Number(value) < 0) throw invalidRequest(`${count} is not a count.`)
  }
  return one
}

/** client-xray: GetSamplingStatisticSummariesCommand. What was reported, summed by rule. */
export function samplingSummaries(store: XrayStore): JsonHandler {
  return (_input, { nowMs }) => {
    const sum = (name: string, count: string): number =>
      store.samplingStatistics
        .filter(({ RuleName }) => RuleName === name)
        .reduce((total, one) => total + Number(one[count] ?? 0), 0)
    const names = new Set(store.samplingStatistics.map(({ RuleName }) => String(RuleName)))
    return {
      SamplingStatisticSummaries: [...names].map((name) => ({
        RuleName: name,
        Timestamp: Math.floor(nowMs / 1000),
        RequestCount: sum(name, "RequestCount"),
        BorrowCount: sum(name, "BorrowCount"),
        SampledCount: sum(name, "SampledCount"),
      })),
    }
  }
}
