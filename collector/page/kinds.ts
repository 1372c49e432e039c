/** What the routes page can be narrowed to, with its words. `known`: every row that is one route. */
export const KINDS = [
  ["known", "known routes"],
  ["gateway_route", "gateway routes"],
  ["route", "routes of routers"],
  ["service", "services on a node"],
  ["synthetic", "without a known route"],
] as const
export type KindName = (typeof KINDS)[number][0]

export const KIND_NAMES = KINDS.map(([name]) => name)
