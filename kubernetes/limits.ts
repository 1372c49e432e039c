/** Times in ms unless named otherwise; sizes in bytes. */
export interface KubeLimits {
  /** Objects of one page of a list. */
  readonly page: number
  readonly pageBytes: number
  /** One event of a watch; etcd takes objects of 1.5 MiB. */
  readonly eventBytes: number
  /** How long an answer may take to begin, and a list between two pieces. */
  readonly answerMs: number
  /** How long one page of a list may take. */
  readonly pageMs: number
  /** A watch in which nothing comes for so long is dead: the API server sends a bookmark every minute. */
  readonly idleMs: number
  /** How long the server shall keep a watch; by chance up to twice as long, so that not all end together. */
  readonly watchSeconds: number
  readonly firstRetryMs: number
  readonly mostRetryMs: number
  /** A new list after 410 Gone waits by chance up to so long. */
  readonly relistMs: number
  /** When to ask again for a kind that the server does not know. */
  readonly unknownMs: number
}

export const KUBE_LIMITS: KubeLimits = {
  page: 500,
  pageBytes: 64 * 1024 ** 2,
  eventBytes: 8 * 1024 ** 2,
  answerMs: 30_000,
  pageMs: 120_000,
  idleMs: 180_000,
  watchSeconds: 300,
  firstRetryMs: 1000,
  mostRetryMs: 60_000,
  relistMs: 5000,
  unknownMs: 60_000,
}
