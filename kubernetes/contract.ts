/** Objects of one kind, as the API server names them in its paths. */
export interface KubeResource {
  /** Empty: the core group. */
  readonly group: string
  readonly version: string
  /** Lower case, as in paths: `pods`, `virtualnodes`. */
  readonly plural: string
}

export interface WatchScope {
  /** Absent: all namespaces. */
  readonly namespace?: string
  /**
   * A part of the kind, such as one node's pods: the first list is then taken from the API server's cache
   * (`resourceVersion=0`), so that a hundred nodes do not each make etcd read all of it.
   */
  readonly fieldSelector?: string
  readonly labelSelector?: string
  /**
   * Makes less of each object as it is read; what it gives is kept and handed over. It must keep name and namespace.
   * `metadata.managedFields` and kubectl's last-applied annotation are gone before.
   */
  readonly reduce?: (object: KubeObject) => KubeObject
}

/** One object as the API server sent it: JSON, of which nothing is promised but its name. */
export interface KubeObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: {
    readonly name: string
    readonly namespace?: string
    readonly uid?: string
    readonly resourceVersion?: string
    readonly labels?: Readonly<Record<string, string>>
    readonly annotations?: Readonly<Record<string, string>>
  }
  readonly [field: string]: unknown
}

/** What a watch tells. Calls are synchronous and come one at a time. */
export interface WatchListener {
  /**
   * The whole set, by `namespace/name`: after the first list, then whenever something in it changed, several changes at
   * once where they came together. Never changed after it was handed over.
   */
  changed(objects: ReadonlyMap<string, KubeObject>): void
  /**
   * Why the set may be out of date; `undefined`: it is not any more. The same problem is told once. A kind that the API
   * server does not know (its definition is not installed) is an empty set and no problem; it is asked for again later.
   */
  problem(error: Error | undefined): void
}

/** One API server, seen with one identity. Only reads. */
export interface KubeApi {
  /**
   * Lists once and watches from there, until `signal` aborts: bookmarks, a new list after 410 Gone with jitter, back-off
   * after failures, a token read anew when its file changes. Never rejects.
   */
  watch(
    resource: KubeResource,
    scope: WatchScope,
    listener: WatchListener,
    signal: AbortSignal,
  ): Promise<void>
  /**
   * One GET of a path with a query, for what is asked once; JSON of at most 64 MiB.
   * @throws MeshscopeError KUBE_UNREACHABLE, KUBE_REFUSED (with the verb and resource that a role lacks), KUBE_BAD_ANSWER
   */
  read(path: string, signal: AbortSignal): Promise<unknown>
}
