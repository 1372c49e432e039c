/**
 * Pages as Envoy prints them at `/stats?usedonly`: sorted raw names of clusters, connection managers, listeners and the
 * server, then text summaries of histograms. Deterministic. Replicas share the names and differ in their numbers, and
 * so in the widths of many of them.
 */
export interface Fleet {
  /** The page of each replica, `rounds` times. */
  readonly pages: readonly (readonly Buffer[])[]
  readonly lines: number
}

export interface FleetShape {
  readonly clusters: number
  readonly replicas: number
  readonly rounds: number
  /** Share of values that change from round to round. */
  readonly changing: number
  readonly seed: number
}

const CLUSTER =
  "circuit_breakers.default.cx_open circuit_breakers.default.cx_pool_open circuit_breakers.default.rq_open circuit_breakers.default.rq_pending_open default.total_match_count external.upstream_rq_200 external.upstream_rq_2xx external.upstream_rq_503 external.upstream_rq_5xx external.upstream_rq_completed http1.dropped_headers_with_underscores lb_healthy_panic max_host_weight membership_change membership_healthy membership_total outlier_detection.ejections_active update_attempt update_no_rebuild update_success update_time upstream_cx_active upstream_cx_connect_fail upstream_cx_destroy upstream_cx_destroy_local upstream_cx_destroy_remote upstream_cx_destroy_with_active_rq upstream_cx_http1_total upstream_cx_idle_timeout upstream_cx_rx_bytes_buffered upstream_cx_rx_bytes_total upstream_cx_total upstream_cx_tx_bytes_buffered upstream_cx_tx_bytes_total upstream_rq_200 upstream_rq_2xx upstream_rq_404 upstream_rq_4xx upstream_rq_503 upstream_rq_5xx upstream_rq_active upstream_rq_completed upstream_rq_pending_active upstream_rq_pending_total upstream_rq_retry upstream_rq_retry_success upstream_rq_rx_reset upstream_rq_timeout upstream_rq_total version".split(
    " ",
  )
const HTTP =
  "downstream_cx_active downstream_cx_destroy downstream_cx_destroy_remote downstream_cx_http1_active downstream_cx_http1_total downstream_cx_rx_bytes_total downstream_cx_total downstream_cx_tx_bytes_total downstream_rq_2xx downstream_rq_4xx downstream_rq_5xx downstream_rq_active downstream_rq_completed downstream_rq_http1_total downstream_rq_rx_reset downstream_rq_total no_route rq_total".split(
    " ",
  )
const SERVER =
  "concurrency days_until_first_cert_expiring hot_restart_epoch live memory_allocated memory_heap_size memory_physical_size state total_connections uptime version".split(
    " ",
  )
const WORDS = "orders payments inventory users catalog search shipping pricing reviews auth".split(" ")
const MOVING =
  /_rq_2|_rq_total|_rq_completed|bytes|_cx_active|_rq_active|_pending_total|match_count|uptime|allocated/

interface Line {
  readonly name: string
  readonly moving: boolean
}

/** Names of the clusters on the pages. */
export function clusterNames(clusters: number): string[] {
  return Array.from({ length: clusters }, (_, index) => {
    const node = `${WORDS[index % WORDS.length]}-v${1 + Math.floor(index / WORDS.length)}`
    return `cds_egress_prod-mesh_${node}_default_http_8080`
  })
}

function pageLines(clusters: number): Line[] {
  const names: string[] = []
  for (const name of clusterNames(clusters)) {
    for (const rest of CLUSTER) names.push(`cluster.${name}.${rest}`)
  }
  for (const prefix of ["admin", "egress", "ingress"]) {
    for (const rest of HTTP) names.push(`http.${prefix}.${rest}`)
  }
  for (const rest of SERVER) names.push(`server.${rest}`)
  return names.toSorted().map((name) => ({ name, moving: MOVING.test(name) }))
}

/** Xorshift: the same pages on every run. */
function randomFrom(seed: number): () => number {
  let state = seed >>> 0 || 1
  return () => {
    state ^= state << 13
    state >>>= 0
    state ^= state >>> 17
    state ^= state << 5
    state >>>= 0
    return state / 4_294_967_296
  }
}

function renderPage(lines: readonly Line[], values: Float64Array, clusters: number): Buffer {
  const out = [
    'cluster_manager.cds.version_text: "7"\n',
    'listener_manager.lds.version_text: "7"\n',
    ...lines.map((line, index) => `${line.name}: ${values[index]}\n`),
  ]
  for (let index = 0; index < clusters; index += 2) {
    const at = Math.floor(values[index * 7] ?? 0) % 90
    out.push(
      `cluster.c${index}.upstream_rq_time: P0(nan,1) P25(nan,1.${at}) P50(nan,2.${at}) P100(nan,${at})\n`,
    )
  }
  out.push("listener_manager.lds.update_duration: No recorded values\n")
  return Buffer.from(out.join(""), "latin1")
}

export function makeFleet(shape: FleetShape): Fleet {
  const lines = pageLines(shape.clusters)
  const random = randomFrom(shape.seed)
  const pages: Buffer[][] = []
  // Replicas do the same work at different rates: counters differ by up to 8 times up or down, settings do not.
  const base = Float64Array.from(lines, (line) => Math.floor(10 ** (random() * (line.moving ? 6 : 1)) - 1))
  const replicas = Array.from({ length: shape.replicas }, () =>
    base.map((value, index) => (lines[index]?.moving ? Math.floor(value * 2 ** (random() * 6 - 3)) : value)),
  )
  const moving = lines.map((line) => line.moving)
  const share = moving.filter(Boolean).length / lines.length
  for (let round = 0; round < shape.rounds; round++) {
    pages.push(
      replicas.map((values) => {
        for (let index = 0; index < values.length; index++) {
          const moves = moving[index] ? random() * share < shape.changing : random() < shape.changing / 20
          if (round > 0 && moves) values[index] = (values[index] ?? 0) + 1 + Math.floor(random() * 90)
        }
        return renderPage(lines, values, shape.clusters)
      }),
    )
  }
  return { pages, lines: lines.length + 2 }
}

/** A proxy at rest, `step` scrapes later: its uptime, memory and the traces of the scrapes themselves move. */
export function renderIdle(clusters: number, step: number): Buffer {
  const lines = pageLines(clusters)
  const moving =
    /^(http\.admin\.downstream_(rq_2xx|rq_completed|rq_http1_total|rq_total|cx_(rx|tx)_bytes_total)|server\.(uptime|memory_.*))$/
  const values = Float64Array.from(lines, ({ name }, index) =>
    moving.test(name) ? 100_000 + step * 137 + index : index % 1000,
  )
  return renderPage(lines, values, clusters)
}
