/** The column METRICS of `meshscope cost` by the way's name. */
export function metricsByWay(table: string): Readonly<Record<string, number>> {
  const rows = [...table.matchAll(/^(Metrics: .+?) {2,}(\d+) {2,}/gm)]
  return Object.fromEntries(rows.map(([, way = "", metrics]) => [way, Number(metrics)]))
}
