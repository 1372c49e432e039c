/** From memory of docs.aws.amazon.com/prometheus/latest/userguide/AMP_quotas.html, "Labels per metric series"; not read again. */
const MAX_LABELS = 150

/**
 * What is wrong with the labels of a series, given as `name=value`, by prometheus.io/docs/specs/remote_write_spec (Labels):
 * `__name__` must be there, names follow their patterns, are sorted and come once; neither name nor value may be empty.
 */
export function labelProblem(labels: readonly string[]): string | undefined {
  const pairs = labels.map(nameAndValue)
  const names = pairs.map(([name]) => name)
  const metric = pairs.find(([name]) => name === "__name__")?.[1]
  if (metric === undefined) return "missing metric name"
  if (!/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(metric)) return `invalid metric name: ${metric}`
  if (pairs.length > MAX_LABELS) return `more than ${MAX_LABELS} labels`
  const wrong = pairs.find(([name, value]) => !/^[a-zA-Z_][a-zA-Z0-9_]*$/.test(name) || value === "")
  if (wrong !== undefined) return `invalid label: ${wrong.join("=")}`
  const outOfOrder = names.find((name, index) => index > 0 && !follows(name, names[index - 1] ?? ""))
  return outOfOrder === undefined ? undefined : `labels not sorted, or one twice: ${outOfOrder}`
}

/** Sorted "lexicographically": by bytes of UTF-8, which for names within the pattern is the order of characters. */
const follows = (name: string, before: string): boolean => before < name

export function nameAndValue(label: string): [string, string] {
  const at = label.indexOf("=")
  return [label.slice(0, at), label.slice(at + 1)]
}
