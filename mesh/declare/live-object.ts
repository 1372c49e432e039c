/** An object of a cluster, as parsed JSON. Nothing is promised but its name. */
export interface LiveObject {
  readonly apiVersion?: string
  readonly kind?: string
  readonly metadata: { readonly name: string; readonly namespace?: string }
  readonly [field: string]: unknown
}
