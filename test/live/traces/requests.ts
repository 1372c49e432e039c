import type { Asked } from "./mesh.ts"

/** One request of each kind that a trace must tell apart. */
export const REQUESTS: Readonly<Record<string, Asked>> = {
  /** Gateway, ui, appserver and back. */
  fine: { id: "00000000-0000-4000-8000-000000000001", path: "/vote/hostname" },
  /** The first try is answered 503, the second 200. */
  retried: {
    id: "00000000-0000-4000-8000-000000000002",
    path: "/vote/hostname",
    behaviours: { "yelb-appserver": { status: 503, first: 1 } },
  },
  /** Every try is answered 503. */
  failing: {
    id: "00000000-0000-4000-8000-000000000003",
    path: "/vote/hostname",
    behaviours: { "yelb-appserver": { status: 503 } },
  },
  /** The application breaks the connection off each time. */
  broken: {
    id: "00000000-0000-4000-8000-000000000004",
    path: "/vote/hostname",
    behaviours: { "yelb-appserver": { cut: "before" } },
  },
  throttled: {
    id: "00000000-0000-4000-8000-000000000005",
    path: "/vote/hostname",
    behaviours: { "yelb-appserver": { status: 429 } },
  },
  missing: { id: "00000000-0000-4000-8000-000000000006", path: "/vote/nothing" },
}
